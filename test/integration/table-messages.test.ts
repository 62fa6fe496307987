import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Azurite, startAzurite } from '../../local/cloud/start-azurite.ts';
import { storageClients } from '../../shared/adapters/storage/storage-clients.ts';
import { tableMessages } from '../../shared/adapters/storage/table-messages.ts';
import { testMessageStore } from '../support/message-store-contract.ts';

let azurite: Azurite;
before(async () => {
  azurite = await startAzurite();
});
after(() => azurite.close());

testMessageStore(() =>
  tableMessages(storageClients({ kind: 'connectionString', connectionString: azurite.connectionString })),
);

test('a service that is away is a ServiceFailure of stage storage', async () => {
  const away = tableMessages(
    storageClients({
      kind: 'connectionString',
      connectionString: azurite.connectionString.replace(
        /TableEndpoint=http:\/\/127\.0\.0\.1:\d+/,
        'TableEndpoint=http://127.0.0.1:9',
      ),
    }),
  );
  await assert.rejects(
    away.read('x'),
    (error: { name?: string; facts?: { stage?: string } }) =>
      error.name === 'ServiceFailure' && error.facts?.stage === 'storage',
  );
});
