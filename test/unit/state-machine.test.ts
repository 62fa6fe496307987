import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { MailSettings } from '../../shared/domain/mail-settings.ts';
import { isFinal } from '../../shared/domain/message-record.ts';
import { EXCHANGE_ONLINE_LIMITS } from '../../shared/domain/sender.ts';
import { memoryMessages } from '../support/memory-messages.ts';
import { messageWatch } from '../support/message-watch.ts';
import { type VirtualInstance, virtualApp } from '../support/virtual-app.ts';
import { SMTP_FATES, virtualExchange } from '../support/virtual-exchange.ts';
import type { QueueMessage } from '../support/virtual-queue.ts';
import { type Gate, START_MS, virtualWorld } from '../support/virtual-world.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const STORE_FATES = ['go', 'slow', 'lost', 'fail', 'late'];

interface Plan {
  /** Decisions, one by one, until none is left; then all goes well. */
  readonly tape: readonly number[];
  /** So many steps go in any order; then the app runs as it would, with faults, until the tape is at its end. */
  readonly wildSteps: number;
  readonly seed: number;
  readonly isPaced: boolean;
  readonly perMinute: number;
  readonly inlineBytes: number;
  readonly deadlineMs: number;
  /** Of 100 calls to storage and to the mail server, so many meet a fault. */
  readonly faults: number;
  readonly smtpFaults: number;
}

const plans: fc.Arbitrary<Plan> = fc.record({
  tape: fc.noBias(fc.array(fc.nat(0xffff), { minLength: 100, maxLength: 1_000, size: 'max' })),
  wildSteps: fc.nat(200),
  seed: fc.nat(0xffffffff),
  isPaced: fc.boolean(),
  perMinute: fc.constantFrom(30, 6000),
  inlineBytes: fc.constantFrom(0, 1000),
  deadlineMs: fc.constantFrom(10 * MINUTE, 24 * HOUR),
  faults: fc.constantFrom(0, 5, 15, 40),
  smtpFaults: fc.constantFrom(5, 30, 70),
});

/** xorshift32 (Marsaglia 2003). */
function seeded(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Whatever is not waiting for a gate runs to its next one. */
const settled = () => new Promise<void>(resolve => setImmediate(resolve));

async function play(plan: Plan): Promise<void> {
  const trace: string[] = [];
  const world = virtualWorld(seeded(plan.seed));
  const watch = messageWatch();
  let acting: Gate['host'] | undefined;
  const table = memoryMessages((before, after) => watch.onWrite(before, after, acting));
  const settings: MailSettings = {
    senders: [
      {
        mailboxes: ['billing@contoso.com'],
        from: ['billing@contoso.com'],
        tenantId: 't',
        clientId: 'c',
        credential: { kind: 'secret', name: 's' },
        limits: { ...EXCHANGE_ONLINE_LIMITS, messagesPerMinute: plan.perMinute },
      },
    ],
    mode: 'live',
    allowList: [],
    deadlineMs: plan.deadlineMs,
    retention: { afterSentMs: 0, afterFailureMs: 72 * HOUR },
    recordRetentionMs: 30 * 24 * HOUR,
  };
  const exchange = virtualExchange(world, {
    onDot: (host, job) => watch.onDot(host, job, table.peek(job.messageId)?.record),
    onStored: watch.onStored,
  });
  const app = virtualApp({
    world,
    table,
    settings,
    transport: exchange,
    isPaced: plan.isPaced,
    inlineBytes: plan.inlineBytes,
    log: () => {},
  });
  const give = world.takeIntervals();

  const tape = plan.tape[Symbol.iterator]();
  let isOver = false;
  /** A decision among `count`; 0 once the tape is at its end. */
  const decide = (count: number): number => {
    const next = tape.next();
    if (next.done) isOver = true;
    return next.done ? 0 : next.value % count;
  };
  const pick = <T>(among: readonly T[]): T => among[decide(among.length)] as T;
  let blobsMayStay = false;

  let started = 0;
  const start = () => app.start(`i${++started}`);
  let instances: VirtualInstance[] = [start(), start()];
  const messages = () => [...table.rows.values()].map(({ record }) => record);
  const note = (what: string) => trace.push(`${((world.now() - START_MS) / SECOND).toFixed(1)} s  ${what}`);

  async function open(gate: Gate, fate: string): Promise<void> {
    note(`${gate.host.name}  ${gate.kind} ${gate.label}: ${fate}`);
    // The one who deletes may not have learnt that the message has ended; housekeeping is there for that.
    if (!(gate.kind in SMTP_FATES) && fate !== 'go' && fate !== 'slow') blobsMayStay = true;
    acting = gate.host;
    gate.open(fate);
    await settled();
    acting = undefined;
    watch.checkRows(table);
  }

  /** The queue trigger: done when the work is, again after a failure, again much later when the instance dies. */
  function deliver(instance: VirtualInstance, message: QueueMessage): void {
    note(`${instance.host.name}  takes ${message.text}`);
    app.queue.take(message, 10 * MINUTE);
    instance.deliver(JSON.parse(message.text)).then(
      () => app.queue.done(message),
      () => app.queue.failed(message, 10 * SECOND),
    );
  }

  function crash(at: number): void {
    const [dead] = instances.splice(at, 1, start());
    if (!dead) return;
    note(`${dead.host.name}  dies`);
    blobsMayStay = true;
    world.kill(dead.host);
  }

  function request() {
    const to = ['ada@example.com', 'bo@example.com', 'cy@example.com'].slice(0, 1 + decide(3));
    const inMs = (ms: number) => new Date(world.now() + ms).toISOString();
    const expires = decide(3) === 0 ? { expiresAt: inMs(MINUTE + decide(20) * 30 * SECOND) } : {};
    const later = decide(6) === 0 ? { sendAt: inMs(decide(180) * SECOND) } : {};
    return {
      from: 'billing@contoso.com',
      to,
      subject: 'x',
      text: 'x',
      priority: decide(4) === 0 ? 'high' : 'normal',
      onUnknown: decide(3) === 0 ? 'hold' : 'resend',
      ...expires,
      ...later,
    };
  }

  const events: readonly (() => unknown)[] = [
    () => pick(instances).accept(request()),
    () => pick(instances).sweep(),
    () => {
      const one = pick(messages());
      return one && pick(instances).cancel(one.id);
    },
    () => {
      const one = pick(messages().filter(({ status }) => status === 'failed' || status === 'unknown'));
      return one && pick(instances).retry(one.id);
    },
    // A wake-up that comes twice, or of a generation long past.
    () => {
      const one = pick(messages());
      if (one) {
        const generation = one.generation - decide(2);
        app.queue.put(JSON.stringify({ messageId: one.id, ...(decide(2) ? { generation } : {}) }), 0);
      }
    },
    () => crash(decide(instances.length)),
    () => {
      pick(instances).host.skewMs = pick([0, 0, -4, -1, 1, 4]) * MINUTE;
    },
    () => {
      const one = pick(app.queue.visible());
      if (one) app.queue.giveUp(one);
    },
  ];
  const EVENT_WEIGHTS = [0, 0, 1, 1, 1, 1, 2, 3, 3, 4, 4, 5, 6, 7];

  function fateOf({ kind }: Gate): string {
    const isSmtp = kind in SMTP_FATES;
    if (kind === 'ghost' || decide(100) >= (isSmtp ? plan.smtpFaults : plan.faults)) return 'go';
    return pick<string>(isSmtp ? SMTP_FATES[kind as keyof typeof SMTP_FATES] : STORE_FATES);
  }

  async function wildStep(): Promise<void> {
    const kind = decide(10);
    const gates = world.gates();
    if (kind < 7 && gates.length > 0) {
      const gate = pick(gates);
      return open(gate, fateOf(gate));
    }
    const visible = app.queue.visible();
    if (kind < 9 && visible.length > 0) {
      deliver(pick(instances), pick(visible));
    } else if (kind < 9) {
      world.advanceTo(world.now() + pick([1, 1, 5, 30, 30, 41, 41, 70, 125, 600]) * SECOND);
    } else {
      const result = events[pick(EVENT_WEIGHTS)]?.();
      if (result instanceof Promise) result.catch(() => undefined);
    }
    await settled();
    watch.checkRows(table);
  }

  /**
   * Instances live, sweep runs every minute, what is visible is taken. From the end of the tape on everything answers, and
   * two hours are enough: no wait is longer than half an hour.
   */
  async function runOn(): Promise<void> {
    for (const { host } of instances) host.skewMs = 0;
    let untilMs = Number.POSITIVE_INFINITY;
    let sweepAtMs = world.now();
    let steps = 0;
    while (world.now() < untilMs) {
      if (isOver) untilMs = Math.min(untilMs, world.now() + 2 * HOUR);
      assert.ok(++steps < 20_000, 'it never comes to an end');
      for (let gate = world.gates()[0]; gate; gate = world.gates()[0]) {
        assert.ok(++steps < 20_000, 'it never comes to an end');
        await open(gate, fateOf(gate));
      }
      const [message] = app.queue.visible();
      if (message) {
        deliver(instances[0] as VirtualInstance, message);
      } else if (messages().every(({ status }) => isFinal(status))) {
        if (isOver) return;
        await wildStep();
      } else if (sweepAtMs <= world.now()) {
        sweepAtMs = world.now() + MINUTE;
        (instances[1] as VirtualInstance).sweep().catch(() => undefined);
      } else {
        world.advanceTo(Math.min(world.nextTimerMs(), app.queue.nextVisibleMs(), sweepAtMs));
      }
      await settled();
    }
  }

  try {
    instances[0]?.accept(request()).catch(() => undefined);
    await settled();
    for (let step = 0; step < plan.wildSteps && !isOver; step++) await wildStep();
    note('runs on');
    await runOn();
    watch.checkEnd(table, app.blobs, !blobsMayStay);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n\n${trace.slice(-200).join('\n')}`, {
      cause: error,
    });
  } finally {
    for (const { host } of instances) world.kill(host);
    instances = [];
    give();
  }
}

/** STATE_MACHINE_RUNS and STATE_MACHINE_SEED: more of them, and the ones of a failure again. */
test('any order of events, faults and crashes: every message ends, every copy is explained', async () => {
  const { STATE_MACHINE_RUNS: runs, STATE_MACHINE_SEED: seed } = process.env;
  await fc.assert(fc.asyncProperty(plans, play), {
    numRuns: runs === undefined ? 1_000 : Number(runs),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    // The trace of what happened says more than a shorter tape, whose decisions would mean other things.
    endOnFailure: true,
  });
});
