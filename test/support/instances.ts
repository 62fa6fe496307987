import { memoryContents } from '../../bench/deliver/memory-contents.ts';
import { sessionPool } from '../../shared/adapters/smtp/session-pool.ts';
import { newMessageId } from '../../shared/domain/message-id.ts';
import type { MessageRecord, Priority } from '../../shared/domain/message-record.ts';
import type { Clock, Log } from '../../shared/domain/ports.ts';
import type { WakeUp } from '../../shared/domain/queue-ports.ts';
import { wakeDelayMs } from '../../shared/domain/schedule.ts';
import type { Sender } from '../../shared/domain/sender.ts';
import { deliverMail } from '../../shared/usecases/deliver-mail.ts';
import { type LineUp, lineUp } from '../../shared/usecases/line-up.ts';
import { mailboxPacer } from '../../shared/usecases/mailbox-pacer.ts';
import { releaseDue } from '../../shared/usecases/release-due.ts';
import { startExchange, transportOver } from './instances-exchange.ts';
import { connectionSlots, mailboxStates } from './instances-storage.ts';
import { memoryMessages, messageStore } from './memory-messages.ts';
import { messageRecord } from './records.ts';
import { lots } from './seeded.ts';

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

/** host.json: a host takes the next batch when no more than `threshold` of its messages are under way. */
const BATCH = 16;
const THRESHOLD = BATCH / 2;
const POLL_MS = 1_000;

export function startInstances(options: InstancesOptions) {
  const { senders, storageMs = 8, signInMs = 400, submitMs = 60 } = options;
  const random = lots(options.seed).next;
  const sleep = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms));
  const storageCall = () => sleep(storageMs * (0.5 + random()));
  const clock: Clock = { now: () => Date.now(), random, randomBytes: size => randomBytes(random, size), sleep };
  const exchange = startExchange(senders, signInMs, submitMs, sleep);
  const table = memoryMessages();
  const inner = messageStore(table);
  const store = messageStore(table, async perform => {
    await storageCall();
    return perform();
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

function randomBytes(random: () => number, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, () => Math.floor(random() * 256));
}
