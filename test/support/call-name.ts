/** What a storage call does, in a few words, e.g. `table: transaction of 2 (POST, POST)`. */
export function callName(service: string, method: string, url: string, body: Buffer): string {
  // Azurite's paths begin with the account.
  const { pathname, searchParams } = new URL(url, 'http://storage');
  const path = pathname.split('/').slice(2).join('/');
  const comp = searchParams.get('comp') ?? searchParams.get('restype');
  if (service === 'table') {
    if (path === '$batch') {
      const parts = body.toString('latin1').match(/^(GET|POST|PUT|PATCH|MERGE|DELETE) http/gm) ?? [];
      const kinds = parts.slice(0, 8).map(part => part.split(' ')[0]);
      return `table: transaction of ${parts.length} (${kinds.join(', ')}${parts.length > kinds.length ? ', …' : ''})`;
    }
    if (path.endsWith('()')) return `table: query ${path}`;
    if (path.startsWith('Tables')) return 'table: make table';
    return `table: ${method === 'GET' ? 'read entity' : `${method} entity`}`;
  }
  if (service === 'queue') {
    const queue = path.split('/')[0];
    if (!path.includes('/messages')) return `queue: ${method} ${queue}`;
    const verbs: Record<string, string> = { POST: 'put message', GET: 'get messages', DELETE: 'delete message' };
    return `queue: ${verbs[method] ?? `${method} message`} (${queue})`;
  }
  return `blob: ${method} ${path.includes('/') ? 'blob' : 'container'}${comp === null ? '' : ` (${comp})`}`;
}
