import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { loadState, type State } from '../../local/m365/state.ts';
import { type SessionPool, sessionPool } from '../../shared/adapters/smtp/session-pool.ts';
import { openSmtpSession } from '../../shared/adapters/smtp/smtp-session.ts';
import { smtpTransport } from '../../shared/adapters/smtp/smtp-transport.ts';
import { diagnose } from '../../shared/domain/diagnosis/diagnose.ts';
import { ServiceFailure } from '../../shared/domain/failure.ts';
import { EXCHANGE_ONLINE_LIMITS, type Sender } from '../../shared/domain/sender.ts';
import type { SubmitJob } from '../../shared/domain/transport-ports.ts';
import { type Script, type ScriptedSmtp, startScriptedSmtp } from '../support/scripted-smtp.ts';

const TOKEN = 'a-token-that-must-not-leave';
const MAILBOX = 'billing@contoso.com';
let state: State;
before(async () => {
  state = await loadState(join(tmpdir(), 'exosend-test-m365'));
  setDefaultCACertificates([...getCACertificates('bundled'), state.caPem]);
});

async function withServer(script: Partial<Script>, run: (server: ScriptedSmtp) => Promise<void>): Promise<void> {
  const server = await startScriptedSmtp({ ...script, tls: { ...state.tls, ...script.tls } });
  try {
    await run(server);
  } finally {
    await server.close();
  }
}

async function refusalOf(server: ScriptedSmtp): Promise<ServiceFailure> {
  const error = await openSmtpSession({ host: 'localhost', port: server.port }, MAILBOX, TOKEN, 0).then(
    () => assert.fail('a session was opened'),
    (failure: unknown) => failure,
  );
  assert.ok(error instanceof ServiceFailure, String(error));
  return error;
}

function transportTo(server: ScriptedSmtp, pool: SessionPool) {
  const tokens = async () => ({ token: TOKEN, expiresAtMs: Date.now() + 3_600_000 }) as never;
  return smtpTransport({ host: 'localhost', port: server.port }, tokens, pool, Date.now);
}

const mentionsToken = (server: ScriptedSmtp) =>
  server.lines.some(line => line.includes(TOKEN) || Buffer.from(line.slice(13), 'base64').includes(TOKEN));

test('a server that offers no XOAUTH2 after STARTTLS gets no token', async () => {
  for (const offers of [['AUTH LOGIN PLAIN'], ['AUTH'], []]) {
    await withServer({ offers }, async server => {
      const { facts } = await refusalOf(server);
      assert.equal(facts.stage, 'auth');
      assert.equal(diagnose(facts).entry.code, 'smtp_xoauth2_not_offered');
      assert.deepEqual(
        server.lines.map(line => line.slice(0, 4)),
        ['EHLO', 'STAR', 'EHLO'],
      );
      assert.equal(mentionsToken(server), false);
    });
  }
});

test('a server that knows no TLS 1.2 gets no token, and the diagnosis says that it is the version', async () => {
  // The server allows weak ciphers, or it would be the one to refuse.
  const tls = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
  await withServer({ tls: { ...state.tls, ...tls } }, async server => {
    const { facts } = await refusalOf(server);
    assert.equal(facts.stage, 'tls', JSON.stringify(facts));
    assert.equal(diagnose(facts).entry.code, 'tls_protocol_mismatch', JSON.stringify(facts));
    assert.deepEqual(
      server.lines.map(line => line.slice(0, 4)),
      ['EHLO', 'STAR'],
    );
  });
});

for (const [how, farewell] of [
  ['without a word', undefined],
  ['with 421', '421 4.4.1 Connection timed out. Total session duration: 00:10:00.123'],
] as const) {
  test(`a session that the server ends ${how} between two mails costs no attempt`, async () => {
    await withServer({}, async server => {
      const pool = sessionPool(Date.now);
      const transport = transportTo(server, pool);
      try {
        for (const mail of [1, 2, 3]) {
          const connected = await transport.connect(SENDER, MAILBOX, 'id', () => {});
          assert.equal(connected.kind, 'connected');
          if (connected.kind !== 'connected') return;
          const result = await connected.connection.submit(job(), () => {});
          connected.connection.release();
          assert.equal(result.kind, 'accepted', JSON.stringify(result));
          assert.equal(server.connections(), mail);
          await server.hangUp(farewell);
        }
        assert.equal(server.lines.filter(line => line === 'DATA').length, 3);
      } finally {
        await transport.close();
      }
    });
  });
}

for (const [which, mailsBefore] of [
  ['a new session', 0],
  ['a warm session', 1],
] as const) {
  test(`the slot lost before the mail (${which}): nothing of the mail is said, and the next one goes over a slot of its own`, async () => {
    await withServer({}, async server => {
      const lost = new Set<number>();
      let acquired = 0;
      const slots = {
        async acquire() {
          const at = acquired++;
          return { index: at, isHeld: () => !lost.has(at), release: async () => {} };
        },
      };
      const transport = transportTo(server, sessionPool(Date.now, slots));
      const connect = async () => {
        const connected = await transport.connect(SENDER, MAILBOX, 'id', () => {});
        assert.ok(connected.kind === 'connected', JSON.stringify(connected));
        return connected.connection;
      };
      try {
        for (let mail = 0; mail < mailsBefore; mail++) {
          const connection = await connect();
          assert.equal((await connection.submit(job(), () => {})).kind, 'accepted');
          connection.release();
        }
        const connection = await connect();
        lost.add(0);
        const result = await connection.submit(job(), () => {});
        connection.release();
        assert.ok(result.kind === 'failed', JSON.stringify(result));
        assert.match(result.facts.text ?? '', /the connection slot was lost before the mail was sent/);
        assert.equal(result.inDoubt, false);
        assert.equal(diagnose(result.facts).entry.class, 'transient');
        const said = (verb: string) => server.lines.filter(line => line.startsWith(verb)).length;
        assert.deepEqual([said('MAIL'), said('DATA')], [mailsBefore, mailsBefore]);
        assert.equal(server.connections(), 1, 'no other connection without a slot');
        const next = await connect();
        assert.equal((await next.submit(job(), () => {})).kind, 'accepted');
        next.release();
        assert.deepEqual([acquired, server.connections()], [2, 2]);
      } finally {
        await transport.close();
      }
    });
  });
}

test('at the end a mail under way comes to its end first, and its slot goes back; a new one gets no connection', async () => {
  await withServer({}, async server => {
    const taken: boolean[] = [];
    const slots = {
      async acquire() {
        const at = taken.push(true) - 1;
        return {
          index: at,
          isHeld: () => taken[at] === true,
          // As a call to storage: later than the release of the session.
          release: async () => {
            await new Promise(resolve => setTimeout(resolve, 50));
            taken[at] = false;
          },
        };
      },
    };
    const pool = sessionPool(Date.now, slots);
    const open = () => openSmtpSession({ host: 'localhost', port: server.port }, MAILBOX, TOKEN, Date.now());
    const key = { mailbox: MAILBOX, app: 'a', maxSessions: 3 };
    const [idle, underWay] = [await pool.acquire(key, open), await pool.acquire(key, open)];
    assert.ok(idle && underWay);
    idle.release();
    let isClosed = false;
    const closed = pool.close().then(() => {
      isClosed = true;
    });
    assert.equal(await pool.acquire(key, open), undefined);
    while (taken[0]) await new Promise(resolve => setTimeout(resolve, 10));
    assert.equal(isClosed, false);
    assert.ok(underWay.session.isUsable());
    underWay.release();
    await closed;
    assert.deepEqual(taken, [false, false]);
  });
});

test('a mail that takes too long does not hold up the end', async () => {
  await withServer({}, async server => {
    const pool = sessionPool(Date.now);
    const open = () => openSmtpSession({ host: 'localhost', port: server.port }, MAILBOX, TOKEN, Date.now());
    const lent = await pool.acquire({ mailbox: MAILBOX, app: 'a', maxSessions: 1 }, open);
    await pool.close(50);
    assert.ok(lent);
    assert.ok(lent.session.isUsable());
    lent.session.close();
  });
});

const SENDER: Sender = {
  mailboxes: [MAILBOX],
  from: [MAILBOX],
  tenantId: 't',
  clientId: 'c',
  credential: { kind: 'secret', name: 's' },
  limits: EXCHANGE_ONLINE_LIMITS,
};

function job(): SubmitJob {
  const bytes = Buffer.from('Subject: x\r\n\r\nbody\r\n');
  return {
    messageId: 'id',
    from: MAILBOX,
    recipients: ['ada@example.com'],
    bytes: bytes.length,
    eightBit: false,
    signal: new AbortController().signal,
    async *content() {
      yield bytes;
    },
    beforeFinal: async () => {},
  };
}
