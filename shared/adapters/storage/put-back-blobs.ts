import { createHash } from 'node:crypto';
import { containerOf, INTAKE_CONTAINER } from './blob-contents.ts';
import type { StorageClients } from './storage-clients.ts';
import { statusOf, storageFault } from './storage-fault.ts';

const NAME = /^put-back\/[0-9a-f]{64}\.json$/;

/**
 * Requests too large to go back on the queue with their key: a text that just fits has no room for it. They wait in the
 * container of the requests' attachments and leave it with those, after days: the queue message that names one may come
 * twice, and must find it then as well.
 */
export function putBackBlobs(clients: StorageClients) {
  const container = () => containerOf(clients, INTAKE_CONTAINER);

  /** Stores a request's text under a name made of it; gives the queue message that names it. */
  async function pointerTo(text: string): Promise<string> {
    const name = `put-back/${createHash('sha256').update(text).digest('hex')}.json`;
    try {
      const bytes = Buffer.from(text, 'utf8');
      await (await container()).getBlockBlobClient(name).upload(bytes, bytes.length);
    } catch (error) {
      throw storageFault('blob', 'store put-back request', error);
    }
    return JSON.stringify({ requestBlob: name });
  }

  /** The request that such a queue message names; any other value as it is. */
  async function requestOf(value: unknown): Promise<unknown> {
    const name = (value as { requestBlob?: unknown } | null | undefined)?.requestBlob;
    if (typeof name !== 'string' || !NAME.test(name)) return value;
    let bytes: Buffer;
    try {
      bytes = await (await container()).getBlobClient(name).downloadToBuffer();
    } catch (error) {
      // Cleaned away, or made up: then it is refused for the unknown field that it is.
      if (statusOf(error) === 404) return value;
      throw storageFault('blob', 'read put-back request', error);
    }
    return JSON.parse(bytes.toString('utf8'));
  }

  return { pointerTo, requestOf };
}
