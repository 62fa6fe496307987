import { Readable } from 'node:stream';
import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import type { ContentStore } from '../../domain/content-ports.ts';
import type { StorageClients } from './storage-clients.ts';
import { statusOf, storageCodeOf, storageFault } from './storage-fault.ts';

export const CONTENT_CONTAINER = 'mail-content';
export const INTAKE_CONTAINER = 'mail-intake';
export const POISON_CONTAINER = 'mail-poison';
export const CONTAINERS = [CONTENT_CONTAINER, INTAKE_CONTAINER, POISON_CONTAINER] as const;

/** Blocks of 4 MiB, two under way: a mail of any size passes through 8 MiB of memory. */
const BLOCK_BYTES = 4 * 1024 * 1024;
const BLOCKS_UNDER_WAY = 2;

export function blobContents(clients: StorageClients): ContentStore {
  return {
    async put(id, content) {
      await withContainer(clients, CONTENT_CONTAINER, 'store content', container =>
        container.getBlockBlobClient(id).uploadData(content, { blockSize: BLOCK_BYTES, concurrency: BLOCKS_UNDER_WAY }),
      );
    },
    async putStream(id, content) {
      const source = Readable.from(content, { objectMode: false, highWaterMark: 64 * 1024 });
      let sourceError: unknown;
      source.once('error', error => {
        sourceError = error;
      });
      try {
        const container = await containerOf(clients, CONTENT_CONTAINER);
        await uploadStream(container.getBlockBlobClient(id), source);
      } catch (error) {
        // A refusal found while reading (too large, not a mail) is the source's and not the storage's.
        if (sourceError !== undefined) throw sourceError;
        throw storageFault('blob', 'store content', error);
      } finally {
        source.destroy();
      }
    },
    async get(id) {
      try {
        const container = await containerOf(clients, CONTENT_CONTAINER);
        const answer = await container.getBlobClient(id).download();
        return answer.readableStreamBody as AsyncIterable<Uint8Array> | undefined;
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw storageFault('blob', 'read content', error);
      }
    },
    async delete(id) {
      await withContainer(clients, CONTENT_CONTAINER, 'delete content', container =>
        container.getBlobClient(id).deleteIfExists(),
      );
    },
    async putPoison(name, text) {
      const bytes = Buffer.from(text, 'utf8');
      await withContainer(clients, POISON_CONTAINER, 'store poison text', container =>
        container
          .getBlockBlobClient(name)
          .upload(bytes, bytes.length, { blobHTTPHeaders: { blobContentType: 'text/plain; charset=utf-8' } }),
      );
    },
    async getIntake(name, maxBytes) {
      try {
        const blob = (await containerOf(clients, INTAKE_CONTAINER)).getBlobClient(name);
        const { contentLength } = await blob.getProperties();
        if ((contentLength ?? 0) > maxBytes) return new Uint8Array(maxBytes + 1);
        return await blob.downloadToBuffer();
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw storageFault('blob', 'read intake', error);
      }
    },
  };
}

async function uploadStream(blob: BlockBlobClient, source: Readable): Promise<void> {
  await blob.uploadStream(source, BLOCK_BYTES, BLOCKS_UNDER_WAY);
}

/** The container's client; it is made once per process when it is missing. */
const known = new WeakMap<StorageClients, Map<string, Promise<ContainerClient>>>();

/** For the other adapters of blobs in these containers. */
export async function containerOf(clients: StorageClients, name: string): Promise<ContainerClient> {
  let containers = known.get(clients);
  if (!containers) {
    containers = new Map();
    known.set(clients, containers);
  }
  let container = containers.get(name);
  if (!container) {
    container = open(clients, name);
    containers.set(name, container);
    container.catch(() => containers.delete(name));
  }
  return container;
}

async function open(clients: StorageClients, name: string): Promise<ContainerClient> {
  const container = (await clients.blobs()).getContainerClient(name);
  await container.createIfNotExists();
  return container;
}

async function withContainer(
  clients: StorageClients,
  name: string,
  operation: string,
  call: (container: ContainerClient) => Promise<unknown>,
): Promise<void> {
  try {
    const container = await containerOf(clients, name);
    await call(container);
  } catch (error) {
    throw storageFault(
      'blob',
      `${operation}${storageCodeOf(error) === 'ContainerNotFound' ? ` (${name})` : ''}`,
      error,
    );
  }
}
