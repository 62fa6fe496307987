import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MailSettings } from '../../shared/domain/mail-settings.ts';
import type { MailboxStates } from '../../shared/domain/mailbox-ports.ts';
import type { MessageStore } from '../../shared/domain/message-ports.ts';
import type { MailboxState } from '../../shared/domain/pacing.ts';
import type { Clock } from '../../shared/domain/ports.ts';
import { EXCHANGE_ONLINE_LIMITS } from '../../shared/domain/sender.ts';
import { acceptMail } from '../../shared/usecases/accept-mail.ts';
import { lineUp } from '../../shared/usecases/line-up.ts';
import { mailboxPacer } from '../../shared/usecases/mailbox-pacer.ts';
import { memoryMessages } from '../support/memory-messages.ts';
import { NOW_MS } from '../support/requests.ts';
import { inVirtualTime } from '../support/virtual-time.ts';

const MAILBOX = 'billing@contoso.com';
const SETTINGS: MailSettings = {
  senders: [
    {
      mailboxes: [MAILBOX],
      from: [MAILBOX],
      tenantId: 't',
      clientId: 'c',
      credential: { kind: 'managedIdentity' },
      limits: EXCHANGE_ONLINE_LIMITS,
    },
  ],
  mode: 'live',
  allowList: [],
  deadlineMs: 86_400_000,
  retention: { afterSentMs: 0, afterFailureMs: 0 },
  recordRetentionMs: 1,
};

/** Acceptance over a table in memory; the table of mailboxes answers as `isStalled` says. */
function acceptance(isStalled: () => boolean) {
  let made = 0;
  const clock: Clock = {
    now: () => Date.now(),
    random: () => 0.5,
    randomBytes: size => new Uint8Array(size).fill(++made % 256),
    sleep: ms => new Promise(resolve => setTimeout(resolve, ms)),
  };
  const table = memoryMessages();
  const keysRead: string[] = [];
  const store = {
    insert: async (...given: Parameters<typeof table.insert>) => table.insert(...given),
    async findKey(row: string) {
      keysRead.push(row);
      return table.findKey(row);
    },
  } as unknown as MessageStore;
  const rows = new Map<string, { state: MailboxState; etag: string }>();
  const answered = async <T>(value: () => T): Promise<T> => (isStalled() ? new Promise<T>(() => {}) : value());
  const states: MailboxStates = {
    read: mailbox => answered(() => rows.get(mailbox)),
    write: (mailbox, state) =>
      answered(() => {
        rows.set(mailbox, { state, etag: String(++made) });
        return { ok: true, etag: String(made) } as const;
      }),
    list: async () => [],
  };
  const deps = {
    settings: SETTINGS,
    store,
    contents: {} as never,
    wakeUps: { put: async () => undefined },
    clock,
    compose: async () => Buffer.from('Subject: x\r\n\r\nbody\r\n'),
    inlineBytes: 1_000,
    lineUp: lineUp(SETTINGS, mailboxPacer(states, clock), clock),
  };
  return {
    keysRead,
    promisedMs: () => rows.get(MAILBOX)?.state.promisedMs ?? 0,
    async accept(key?: string) {
      const value = { from: MAILBOX, to: 'ada@example.com', subject: 'x', text: 'x' };
      const outcome = await acceptMail(
        deps,
        {
          caller: { id: 'c', isOperator: false },
          channel: 'http',
          body: { kind: 'request', value },
          traceId: '',
          ...(key === undefined ? {} : { idempotencyKey: key }),
        },
        () => {},
      );
      assert.ok(outcome.ok && outcome.value.kind === 'accepted');
      return outcome.value;
    },
  };
}

test('a table of mailboxes that hangs delays the answer by two seconds at most', async () => {
  await inVirtualTime(NOW_MS, async () => {
    const app = acceptance(() => true);
    const begunMs = Date.now();
    const late = setTimeout(() => assert.fail('the burst is still not accepted after a minute'), 60_000);
    await Promise.all(Array.from({ length: 20 }, () => app.accept()));
    clearTimeout(late);
    assert.ok(Date.now() - begunMs <= 2_100, `${Date.now() - begunMs} ms`);
  });
});

test('requests sent again under their keys take no places in line', async () => {
  await inVirtualTime(NOW_MS, async () => {
    const app = acceptance(() => false);
    const first = [];
    for (let index = 0; index < 8; index++) first.push(await app.accept(`key ${index}`));
    assert.ok(first.every(({ replayed }) => !replayed));
    const before = app.promisedMs();
    assert.ok(before > Date.now(), 'a burst stands in line');
    for (let index = 0; index < 40; index++) assert.ok((await app.accept(`key ${index % 8}`)).replayed);
    assert.equal(app.promisedMs(), before);
    assert.equal((await app.accept('a new key')).replayed, false);
    assert.ok(app.promisedMs() > before);
  });
});

test('a lone message with a key is not looked up beforehand', async () => {
  await inVirtualTime(NOW_MS, async () => {
    const app = acceptance(() => false);
    await app.accept('key');
    assert.equal(app.promisedMs(), 0);
    assert.deepEqual(app.keysRead, []);
  });
});
