import { memoryContents } from '../../bench/deliver/memory-contents.ts';
import { memoryStore } from '../../bench/deliver/memory-store.ts';
import { sessionPool } from '../../shared/adapters/smtp/session-pool.ts';
import type { SmtpSession } from '../../shared/adapters/smtp/smtp-session.ts';
import { ServiceFailure } from '../../shared/domain/failure.ts';
import { newMessageId } from '../../shared/domain/message-id.ts';
import type { MessageRecord, Priority } from '../../shared/domain/message-record.ts';
import type { MailboxState } from '../../shared/domain/pacing.ts';
import type {
  Clock,
  ConnectionSlots,
  Log,
  MailboxStates,
  MailTransport,
  MessageStore,
  SubmitJob,
  SubmitResult,
  WakeUp,
} from '../../shared/domain/ports.ts';
import { wakeDelayMs } from '../../shared/domain/schedule.ts';
import type { Sender } from '../../shared/domain/sender.ts';
import { deliverMail } from '../../shared/usecases/deliver-mail.ts';
import { type LineUp, lineUp } from '../../shared/usecases/line-up.ts';
import { mailboxPacer } from '../../shared/usecases/mailbox-pacer.ts';
import { releaseDue } from '../../shared/usecases/release-due.ts';
import { messageRecord } from './records.ts';

/** Several instances of the app on one storage, before one Exchange: everything in memory, for virtual time. */
export interface InstancesOptions {
  readonly instances: number;
  readonly senders: readonly Sender[];
  /** Seed of everything drawn by lot. */
  readonly seed: number;
  /** A storage call takes this long, give or take a half. */
  readonly storageMs?: number;
  readonly signInMs?: number;
  readonly submitMs?: number;
}

export interface Sent {
  readonly id: string;
  readonly mailbox: string;
  readonly atMs: number;
}

/** host.json: a host takes the next batch when no more than `threshold` of its messages are under way. */
const BATCH = 16;
const THRESHOLD = BATCH / 2;
const POLL_MS = 1_000;

export function startInstances(options: InstancesOptions) {
  const { senders, storageMs = 8, signInMs = 400, submitMs = 60 } = options;
  const random = lot(options.seed);
  const sleep = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms));
  const storageCall = () => sleep(storageMs * (0.5 + random()));
  const clock: Clock = { now: () => Date.now(), random, randomBytes: size => randomBytes(random, size), sleep };
  const exchange = startExchange(senders, signInMs, submitMs, sleep);
  const inner = memoryStore();
  const store: MessageStore = new Proxy(inner, {
    get:
      (target, name: keyof MessageStore) =>
      async (...given: never[]) => {
        await storageCall();
        return (target[name] as (...args: never[]) => unknown)(...given);
      },
  });
  const queues: Record<'high' | 'normal', { wakeUp: WakeUp; visibleAtMs: number }[]> = { high: [], normal: [] };
  const counts = { reads: 0, stateWrites: 0, stateReads: 0, puts: 0, errors: [] as unknown[] };
  const wakeUps = {
    async put(wakeUp: WakeUp, priority: Priority, delayMs: number) {
      counts.puts++;
      await storageCall();
      queues[priority === 'high' ? 'high' : 'normal'].push({ wakeUp, visibleAtMs: Date.now() + delayMs });
    },
  };
  const states = mailboxStates(storageCall, counts);
  const slots = connectionSlots(storageCall, random);
  const log: Log = () => undefined;
  const settings = {
    senders,
    mode: 'live' as const,
    allowList: [],
    deadlineMs: 86_400_000,
    retention: { afterSentMs: 0, afterFailureMs: 0 },
    recordRetentionMs: 1,
  };
  let isStopped = false;

  const crew = Array.from({ length: options.instances }, () => {
    const pacer = mailboxPacer(states, clock);
    const pool = sessionPool(clock.now, slots, pacer.isSlotWanted, pacer.look);
    const release = { settings, store, wakeUps, clock, pacer };
    const deps = {
      ...release,
      contents: memoryContents(),
      transport: transportOver(pool, exchange),
      onBreakerClosed: async (mailbox: string) => void (await releaseDue(release, log, mailbox)),
    };
    for (const queue of [queues.high, queues.normal]) void poll(queue, wakeUp => deliverMail(deps, wakeUp, log));
    return { pacer, release, standing: lineUp(settings, pacer, clock) };
  });

  async function take(record: MessageRecord, standingOf: LineUp | undefined): Promise<void> {
    const nowMs = Date.now();
    const standing = (await standingOf?.(record)) ?? { kind: 'now' };
    const place = standing.kind === 'inLine' ? standing.place : undefined;
    const delayMs = place ? wakeDelayMs(place.atMs, nowMs) : 0;
    const isParked = standing.kind === 'parked';
    await inner.insert(record, new Uint8Array(10), isParked ? {} : { wakeAtMs: nowMs + delayMs });
    const wakeUp = { messageId: record.id, generation: 1, ...(place ? { place } : {}) };
    if (!isParked) await wakeUps.put(wakeUp, record.priority, delayMs);
  }

  async function poll(queue: { wakeUp: WakeUp; visibleAtMs: number }[], run: (wakeUp: WakeUp) => Promise<unknown>) {
    let underWay = 0;
    for (let waitMs = 100; !isStopped; ) {
      await storageCall();
      queue.sort((a, b) => a.visibleAtMs - b.visibleAtMs);
      const visible = queue.filter(one => one.visibleAtMs <= Date.now()).length;
      const batch = queue.splice(0, Math.min(BATCH, visible));
      counts.reads += batch.length;
      for (const { wakeUp } of batch) {
        underWay++;
        void run(wakeUp)
          .catch(error => void counts.errors.push(error))
          .finally(() => underWay--);
      }
      waitMs = batch.length > 0 ? 100 : Math.min(POLL_MS, waitMs * 2);
      if (batch.length === 0) await sleep(waitMs);
      while (underWay > THRESHOLD) await sleep(10);
    }
  }

  return {
    exchange,
    counts,
    queues,
    states,
    crew,
    store: inner,
    /** Accepts messages as the API does, `perSecond` of them, on all instances by turns. */
    async accept(count: number, perSecond: number, changes: (index: number) => Partial<MessageRecord>) {
      const ids: string[] = [];
      const accepting: Promise<void>[] = [];
      for (let index = 0; index < count; index++) {
        if (index % 10 === 9) await sleep(10_000 / perSecond);
        const nowMs = Date.now();
        const { claim: _none, ...base } = messageRecord(['ada@example.com'], {
          id: newMessageId(nowMs + index / 1000, clock.randomBytes(10)),
          status: 'queued',
          attempts: 0,
          createdAtMs: nowMs,
          updatedAtMs: nowMs,
          dueAtMs: nowMs,
          deadlineAtMs: nowMs + 86_400_000,
          ...changes(index),
        });
        ids.push(base.id);
        accepting.push(take(base, crew[index % crew.length]?.standing));
      }
      await Promise.all(accepting);
      return ids;
    },
    /** The timer's run, on the first instance. */
    sweep: () => releaseDue((crew[0] as (typeof crew)[0]).release, log),
    /** Lets time pass, with a sweep every minute, until `done`. Throws after `limitMs`. */
    async until(done: () => boolean, limitMs: number) {
      const end = Date.now() + limitMs;
      let sweepAtMs = Date.now() + 60_000;
      while (!done()) {
        if (Date.now() > end) throw new Error(`not done within ${limitMs / 1000} s; ${exchange.sent.length} were sent`);
        if (Date.now() >= sweepAtMs) {
          sweepAtMs += 60_000;
          void releaseDue((crew[0] as (typeof crew)[0]).release, log);
        }
        await sleep(50);
      }
    },
    stop() {
      isStopped = true;
    },
  };
}

/** An Exchange that refuses a fourth connection at sign-in and a message over the rate of any minute. */
function startExchange(
  senders: readonly Sender[],
  signInMs: number,
  submitMs: number,
  sleep: (ms: number) => Promise<void>,
) {
  const limitsOf = new Map(senders.flatMap(sender => sender.mailboxes.map(mailbox => [mailbox, sender.limits])));
  const open = new Map<string, number>();
  const exchange = {
    sent: [] as Sent[],
    signIns: 0,
    refusedSignIns: 0,
    throttled: 0,
    /** Mailboxes whose sign-in is refused. */
    refuses: new Set<string>(),
    async signIn(mailbox: string): Promise<SmtpSession> {
      await sleep(signInMs);
      if (exchange.refuses.has(mailbox)) {
        exchange.refusedSignIns++;
        throw failure('auth', 535, '5.7.3', '535 5.7.3 Authentication unsuccessful');
      }
      exchange.signIns++;
      open.set(mailbox, (open.get(mailbox) ?? 0) + 1);
      if ((open.get(mailbox) ?? 0) > (limitsOf.get(mailbox)?.connections ?? 3)) exchange.throttled++;
      let isUsable = true;
      const close = () => {
        if (isUsable) open.set(mailbox, (open.get(mailbox) ?? 0) - 1);
        isUsable = false;
      };
      const connection = {
        quit: () => undefined,
        once: (_event: string, ended: () => void) => void setTimeout(ended, 20),
      };
      return { connection: connection as never, openedAtMs: Date.now(), isUsable: () => isUsable, close };
    },
    async take(mailbox: string, job: SubmitJob): Promise<SubmitResult> {
      await sleep(submitMs / 2);
      await job.beforeFinal();
      await sleep(submitMs / 2);
      const limit = limitsOf.get(mailbox)?.messagesPerMinute ?? 30;
      const lately = exchange.sent.filter(one => one.mailbox === mailbox && one.atMs > Date.now() - 60_000).length;
      if (lately >= limit) {
        exchange.throttled++;
        const text = '432 4.3.2 Message submission rate for this client has exceeded the configured limit';
        return { kind: 'failed', facts: { stage: 'final', replyCode: 432, text }, inDoubt: false, refused: [] };
      }
      exchange.sent.push({ id: job.messageId, mailbox, atMs: Date.now() });
      return { kind: 'accepted', reply: '250 2.0.0 OK', accepted: job.recipients, refused: [], timings: {} };
    },
  };
  return exchange;
}

type Exchange = ReturnType<typeof startExchange>;

function transportOver(pool: ReturnType<typeof sessionPool>, exchange: Exchange): MailTransport {
  const keyOf = (sender: Sender, mailbox: string) => ({ mailbox, app: '', maxSessions: sender.limits.connections });
  const guarded = async <T>(work: () => Promise<T>) => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ServiceFailure) return { kind: 'failed', facts: error.facts } as const;
      throw error;
    }
  };
  return {
    connect: (sender, mailbox, _id, _log, connectOptions) =>
      guarded(async () => {
        const pooled = await pool.acquire(
          keyOf(sender, mailbox),
          () => exchange.signIn(mailbox),
          connectOptions?.patienceMs,
        );
        if (!pooled) return { kind: 'busy' } as const;
        const connection = { submit: (job: SubmitJob) => exchange.take(mailbox, job), release: () => pooled.release() };
        return { kind: 'connected', connection } as const;
      }),
    prepare: (sender, mailbox, _id, _log, slot) =>
      guarded(async () => {
        const kind = await pool.prepare(keyOf(sender, mailbox), () => exchange.signIn(mailbox), slot);
        return { kind };
      }),
    needsSignIn: (sender, mailbox) => pool.needsSignIn(keyOf(sender, mailbox)),
  };
}

function failure(stage: 'auth', replyCode: number, enhancedCode: string, text: string): ServiceFailure {
  return new ServiceFailure(text, { stage, replyCode, enhancedCode, text });
}

function mailboxStates(
  storageCall: () => Promise<void>,
  counts: { stateWrites: number; stateReads: number },
): MailboxStates {
  const rows = new Map<string, { state: MailboxState; etag: string }>();
  let etags = 0;
  return {
    async read(mailbox) {
      if (mailbox.startsWith('peek:')) return rows.get(mailbox.slice(5));
      counts.stateReads++;
      await storageCall();
      return rows.get(mailbox);
    },
    async write(mailbox, state, etag) {
      counts.stateWrites++;
      await storageCall();
      if (rows.get(mailbox)?.etag !== etag) return { ok: false, reason: 'conflict' };
      const next = String(++etags);
      rows.set(mailbox, { state, etag: next });
      return { ok: true, etag: next };
    },
    list: async () => [...rows].map(([mailbox, { state }]) => ({ mailbox, state })),
  };
}

function connectionSlots(storageCall: () => Promise<void>, random: () => number): ConnectionSlots {
  const held = new Set<string>();
  return {
    async acquire(mailbox, count, only) {
      const first = only ?? Math.floor(random() * count);
      for (let i = 0; i < (only === undefined ? count : 1); i++) {
        const index = (first + i) % count;
        const name = `${mailbox}/${index}`;
        await storageCall();
        if (held.has(name)) continue;
        held.add(name);
        return { index, isHeld: () => held.has(name), release: async () => void held.delete(name) };
      }
      return undefined;
    },
  };
}

/** Mulberry32: the same numbers for the same seed. */
function lot(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function randomBytes(random: () => number, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, () => Math.floor(random() * 256));
}
