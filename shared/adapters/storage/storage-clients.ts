import type { TableClient, TableServiceClientOptions } from '@azure/data-tables';
import type { TokenCredential } from '@azure/identity';
import type { BlobServiceClient } from '@azure/storage-blob';
import type { QueueServiceClient } from '@azure/storage-queue';
import type { StorageConfig } from '../../domain/storage-config.ts';
import { azureCredential } from '../azure-credential.ts';
import { noteRepeats } from './repeated-requests.ts';

/** Opens the three services, each SDK loaded when it is first needed and each client made once. */
type AdditionalPolicyConfig = NonNullable<TableServiceClientOptions['additionalPolicies']>[number];

export interface StorageClients {
  table(name: string): Promise<TableClient>;
  queues(): Promise<QueueServiceClient>;
  blobs(): Promise<BlobServiceClient>;
}

/**
 * A few quick tries within a call; what lasts longer is answered with 503 or left to the queue. The SDKs' own default
 * of up to 64 s would outlast the caller's patience.
 */
const RETRY = { maxRetries: 2, retryDelayInMs: 150, maxRetryDelayInMs: 1_000 };
/** The table SDK has no limit of its own: a service that accepts the connection and says nothing would hold a run for ever. */
const TABLE_TRY_MS = 10_000;
const BLOB_RETRY = { maxTries: 3, retryDelayInMs: 150, maxRetryDelayInMs: 1_000, tryTimeoutInMs: 60_000 };
const QUEUE_RETRY = { maxTries: 3, retryDelayInMs: 150, maxRetryDelayInMs: 1_000, tryTimeoutInMs: 10_000 };

export function storageClients(config: StorageConfig): StorageClients {
  const tables = new Map<string, Promise<TableClient>>();
  let queues: Promise<QueueServiceClient> | undefined;
  let blobs: Promise<BlobServiceClient> | undefined;
  return {
    table(name) {
      let client = tables.get(name);
      if (!client) {
        client = openTable(config, name);
        tables.set(name, client);
        client.catch(() => tables.delete(name));
      }
      return client;
    },
    queues() {
      queues ??= openQueues(config).catch((error: unknown) => {
        queues = undefined;
        throw error;
      });
      return queues;
    },
    blobs() {
      blobs ??= openBlobs(config).catch((error: unknown) => {
        blobs = undefined;
        throw error;
      });
      return blobs;
    },
  };
}

async function openTable(config: StorageConfig, name: string): Promise<TableClient> {
  const { TableClient } = await import('@azure/data-tables');
  if (config.kind === 'identity') {
    return new TableClient(config.tableUri, name, await credentialOf(config), {
      retryOptions: RETRY,
      additionalPolicies: [timeLimit, { position: 'perRetry', policy: noteRepeats }],
      allowInsecureConnection: isHttp(config.tableUri),
    });
  }
  return TableClient.fromConnectionString(config.connectionString, name, {
    retryOptions: RETRY,
    additionalPolicies: [timeLimit, { position: 'perRetry', policy: noteRepeats }],
    allowInsecureConnection:
      /UseDevelopmentStorage=true|=http:/i.test(config.connectionString) ||
      /DefaultEndpointsProtocol=http;/i.test(config.connectionString),
  });
}

const timeLimit: AdditionalPolicyConfig = {
  position: 'perCall',
  policy: {
    name: 'timeLimit',
    sendRequest(request, next) {
      request.timeout = TABLE_TRY_MS;
      return next(request);
    },
  },
};

async function openQueues(config: StorageConfig): Promise<QueueServiceClient> {
  const { QueueServiceClient } = await import('@azure/storage-queue');
  if (config.kind === 'identity')
    return new QueueServiceClient(config.queueUri, await credentialOf(config), { retryOptions: QUEUE_RETRY });
  return QueueServiceClient.fromConnectionString(config.connectionString, { retryOptions: QUEUE_RETRY });
}

async function openBlobs(config: StorageConfig): Promise<BlobServiceClient> {
  const { BlobServiceClient } = await import('@azure/storage-blob');
  if (config.kind === 'identity')
    return new BlobServiceClient(config.blobUri, await credentialOf(config), { retryOptions: BLOB_RETRY });
  return BlobServiceClient.fromConnectionString(config.connectionString, { retryOptions: BLOB_RETRY });
}

function credentialOf(config: StorageConfig & { kind: 'identity' }): Promise<TokenCredential> {
  return azureCredential(config.clientId);
}

function isHttp(uri: string): boolean {
  return uri.startsWith('http:');
}
