import type { ContentStore } from '../../shared/domain/content-ports.ts';

/** Blobs in memory. */
export function memoryContents(): ContentStore {
  const blobs = new Map<string, Uint8Array>();
  return {
    async put(id, content) {
      blobs.set(id, content);
    },
    async putStream(id, content) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of content) chunks.push(chunk);
      blobs.set(id, Buffer.concat(chunks));
    },
    async get(id) {
      const bytes = blobs.get(id);
      return bytes && once(bytes);
    },
    async delete(id) {
      blobs.delete(id);
    },
    async putPoison(name, text) {
      blobs.set(`poison/${name}`, Buffer.from(text, 'utf8'));
    },
    async getIntake(name) {
      return blobs.get(`intake/${name}`);
    },
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
