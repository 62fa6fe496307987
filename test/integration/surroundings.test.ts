import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { loadState, type State } from '../../local/m365/state.ts';
import { surroundings } from '../../shared/adapters/doctor/surroundings.ts';
import { withFirst } from '../../shared/adapters/probe/confirmed.ts';
import { startScriptedSmtp } from '../support/scripted-smtp.ts';

let state: State;
before(async () => {
  state = await loadState(join(tmpdir(), 'exosend-test-m365'));
  setDefaultCACertificates([...getCACertificates('bundled'), state.caPem]);
});

const around = (port: number) =>
  surroundings({ host: 'localhost', port, authorityHost: 'https://login.test', hasPublicDns: false });

test('the look at the server goes as far as TLS and takes its leave', async () => {
  const server = await startScriptedSmtp({ tls: state.tls });
  try {
    const { phases, issuer } = await around(server.port).reach();
    assert.deepEqual(
      phases.map(({ phase, ok }) => [phase, ok]),
      ['dns', 'tcp', 'greeting', 'ehlo', 'tls'].map(phase => [phase, true]),
    );
    assert.ok(issuer);
    assert.deepEqual(
      server.lines.map(line => line.slice(0, 4)),
      ['EHLO', 'STAR', 'QUIT'],
    );
  } finally {
    await server.close();
  }
});

test('where nobody listens the look ends at tcp', async () => {
  const server = await startScriptedSmtp({ tls: state.tls });
  await server.close();
  const { phases, issuer } = await around(server.port).reach();
  assert.deepEqual([phases.at(-1)?.phase, phases.at(-1)?.code, issuer], ['tcp', 'tcp_refused', undefined]);
});

test('a second try says what the first was, and one that was not walked says nothing of it', () => {
  const first = { ok: false, ms: 10, detail: 'no reply' };
  assert.deepEqual(withFirst(first, { ok: true, ms: 2, detail: 'fine' }), {
    ok: true,
    ms: 12,
    detail: 'fine; at the second try, the first: no reply',
  });
  assert.equal(withFirst(first, { ok: false, ms: 2, detail: 'no reply' }).detail, 'no reply (twice)');
  assert.deepEqual(withFirst(first, { ok: null, ms: 0, detail: 'not reached' }), {
    ok: null,
    ms: 0,
    detail: 'not reached',
  });
});
