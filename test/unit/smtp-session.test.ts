import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { openSmtpSession } from '../../shared/adapters/smtp/smtp-session.ts';
import { diagnose } from '../../shared/domain/diagnosis/diagnose.ts';
import { ServiceFailure } from '../../shared/domain/failure.ts';

/** Answers each command by its name; silence where the script has nothing. */
async function silentServer(script: Readonly<Record<string, string>>) {
  const server = createServer(socket => {
    socket.on('error', () => socket.destroy());
    socket.write('220 mail.example ready\r\n');
    socket.on('data', line => {
      const answer = script[line.toString().slice(0, 4)];
      if (answer !== undefined) socket.write(answer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

for (const [step, script] of [
  ['EHLO', {}],
  ['STARTTLS', { EHLO: '250-mail.example\r\n250 STARTTLS\r\n' }],
] as const) {
  test(`a server that is silent at ${step} is given up, so that its mailbox is not held up for the idle limit`, async t => {
    const { server, port } = await silentServer(script);
    t.after(() => server.close());
    const opening = openSmtpSession({ host: '127.0.0.1', port }, 'billing@contoso.com', 'token', 0, 200);
    const error = await opening.then(
      () => assert.fail('there is no session'),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof ServiceFailure, String(error));
    assert.equal(diagnose(error.facts).entry.code, 'smtp_timeout');
  });
}
