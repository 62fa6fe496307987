import { RestError, TableClient } from '@azure/data-tables';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';

const QUEUES = ['mail-requests', 'mail-submissions', 'mail-submissions-high', 'mail-events'];
const CONTAINERS = ['mail-content', 'mail-intake', 'mail-poison', 'mail-slots'];
const TABLES = ['messages', 'mailboxes', 'callers'];

/** Makes the queues, the table and the containers that a deployment has, as far as they are missing. */
export async function createStorage(connectionString: string): Promise<void> {
  const queues = QueueServiceClient.fromConnectionString(connectionString);
  const blobs = BlobServiceClient.fromConnectionString(connectionString);
  await Promise.all([
    ...QUEUES.flatMap(name => [name, `${name}-poison`]).map(name => queues.getQueueClient(name).createIfNotExists()),
    ...CONTAINERS.map(name => blobs.getContainerClient(name).createIfNotExists()),
    ...TABLES.map(name => createTable(connectionString, name)),
  ]);
}

async function createTable(connectionString: string, name: string): Promise<void> {
  const table = TableClient.fromConnectionString(connectionString, name, { allowInsecureConnection: true });
  try {
    await table.createTable();
  } catch (error) {
    // The SDK takes "it exists" for success by itself; Azurite may word it in ways that it does not know.
    if (!(error instanceof RestError && error.statusCode === 409)) throw error;
  }
}
