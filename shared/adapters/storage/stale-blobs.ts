import type { BlobArea, StaleBlobs } from '../../domain/content-ports.ts';
import { CONTENT_CONTAINER, containerOf, INTAKE_CONTAINER, POISON_CONTAINER } from './blob-contents.ts';
import type { StorageClients } from './storage-clients.ts';
import { statusOf, storageFault } from './storage-fault.ts';

const CONTAINER_OF: Record<BlobArea, string> = {
  content: CONTENT_CONTAINER,
  intake: INTAKE_CONTAINER,
  poison: POISON_CONTAINER,
};

/** Finds and deletes blobs by the time they were last written. */
export function staleBlobs(clients: StorageClients): StaleBlobs {
  return {
    async list(area, beforeMs, max, continuation) {
      try {
        const container = await containerOf(clients, CONTAINER_OF[area]);
        const pages = container.listBlobsFlat().byPage({
          maxPageSize: max,
          ...(continuation === undefined ? {} : { continuationToken: continuation }),
        });
        for await (const { segment, continuationToken: next } of pages) {
          const old = segment.blobItems.filter(({ properties }) => properties.lastModified.getTime() < beforeMs);
          return { names: old.map(({ name }) => name), ...(next ? { continuation: next } : {}) };
        }
        return { names: [] };
      } catch (error) {
        throw storageFault('blob', `list ${CONTAINER_OF[area]}`, error);
      }
    },
    async delete(area, name, beforeMs) {
      try {
        const container = await containerOf(clients, CONTAINER_OF[area]);
        await container.getBlobClient(name).delete({ conditions: { ifUnmodifiedSince: new Date(beforeMs) } });
      } catch (error) {
        const status = statusOf(error);
        if (status === 404 || status === 412) return;
        throw storageFault('blob', `delete from ${CONTAINER_OF[area]}`, error);
      }
    },
  };
}
