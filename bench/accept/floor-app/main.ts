import { randomUUID } from 'node:crypto';
import { TableClient } from '@azure/data-tables';
import { app } from '@azure/functions';
import { QueueServiceClient } from '@azure/storage-queue';

/**
 * The least that a function can do which stores a mail and wakes somebody: one table insert, one queue put, with the same
 * SDKs, programming model and streaming as the app. No check, no answer worth reading.
 */
app.setup({ enableHttpStream: true });

const storage = process.env['AzureWebJobsStorage'] ?? '';
const table = TableClient.fromConnectionString(storage, 'floor', { allowInsecureConnection: true });
const queue = QueueServiceClient.fromConnectionString(storage).getQueueClient('floor');

app.http('floor', {
  methods: ['POST'],
  authLevel: 'anonymous',
  handler: async request => {
    const content = Buffer.from(await request.arrayBuffer());
    const rowKey = randomUUID();
    await table.createEntity({ partitionKey: 'm', rowKey, status: 'queued', content });
    await queue.sendMessage(Buffer.from(JSON.stringify({ messageId: rowKey })).toString('base64'));
    return { status: 202, jsonBody: { id: rowKey } };
  },
});

app.http('prepare', {
  methods: ['POST'],
  authLevel: 'anonymous',
  handler: async () => {
    await table.createTable();
    await queue.createIfNotExists();
    return { status: 204 };
  },
});
