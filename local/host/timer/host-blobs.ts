import type { ContainerClient } from '@azure/storage-blob';
import { findConnectionString, type Settings } from '../settings.ts';

export type BlobContainerClient = ContainerClient;

/**
 * Opens the host's own container, `azure-webjobs-hosts` of AzureWebJobsStorage, where locks and timer states are kept.
 * @returns undefined when there is no such storage or it has no blobs; `why` is then told.
 */
export async function openHostBlobs(
  settings: Settings,
  why: (reason: string) => void,
): Promise<BlobContainerClient | undefined> {
  try {
    const connectionString = findConnectionString(undefined, settings);
    // Loaded when needed only: the two storage SDKs are half of the host's start-up time.
    const { BlobServiceClient } = await import('@azure/storage-blob');
    const service = BlobServiceClient.fromConnectionString(connectionString, {
      retryOptions: { maxTries: 2, retryDelayInMs: 200 },
    });
    const container = service.getContainerClient('azure-webjobs-hosts');
    await container.createIfNotExists();
    return container;
  } catch (error) {
    why((error as Error).message);
    return undefined;
  }
}

/** @returns the blob's text, undefined when it does not exist. */
export async function readText(container: BlobContainerClient, path: string): Promise<string | undefined> {
  try {
    return (await container.getBlobClient(path).downloadToBuffer()).toString('utf8');
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined;
    throw error;
  }
}

export async function writeText(container: BlobContainerClient, path: string, text: string): Promise<void> {
  await container.getBlockBlobClient(path).upload(text, Buffer.byteLength(text));
}
