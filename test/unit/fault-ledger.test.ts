import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createLedger } from '../../faults/support/ledger.ts';
import type { MailStore } from '../../local/m365/mail-store.ts';

test('a refused mail is told with what the app answered', async () => {
  let posts = 0;
  const server = createServer((_request, response) => {
    posts++;
    if (posts === 1) response.writeHead(503).end('{"code":"storage_unavailable"}');
    else response.writeHead(422).end('{"code":"request_invalid"}');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const ledger = createLedger(() => `http://127.0.0.1:${port}`, { onMail: () => undefined } as unknown as MailStore);
  await assert.rejects(ledger.send('smtp mail', '5xx', {}), {
    message: 'Not accepted (smtp mail, 5xx): 422 {"code":"request_invalid"}',
  });
  assert.equal(ledger.repeated(), 1, 'what is no answer is repeated, a refusal is not');
  server.close();
});
