import type { Cloud } from '../cloud.ts';
import type { HttpAnswer, HttpCall } from '../http-server.ts';

const PAGE_SIZE = 25;

/** One page of a list (`maxresults` 1 to 25, default 25) with the link to the next, as Key Vault pages. */
export function page(cloud: Cloud, call: HttpCall, items: unknown[]): HttpAnswer {
  const query = call.url.searchParams;
  const size = Math.min(Number(query.get('maxresults') ?? PAGE_SIZE) || PAGE_SIZE, PAGE_SIZE);
  const start = Number(Buffer.from(query.get('$skiptoken') ?? '', 'base64url').toString()) || 0;
  const end = start + size;
  const next = new URL(call.url.pathname, cloud.vaultUrl);
  next.searchParams.set('api-version', query.get('api-version') ?? '');
  next.searchParams.set('$skiptoken', Buffer.from(String(end)).toString('base64url'));
  next.searchParams.set('maxresults', String(size));
  return {
    status: 200,
    body: { value: items.slice(start, end), nextLink: end < items.length ? next.href : null },
  };
}
