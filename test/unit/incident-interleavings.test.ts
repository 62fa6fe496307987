import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Alert, AlertChannel } from '../../shared/domain/alert.ts';
import type { WatchStore } from '../../shared/domain/incident-store.ts';
import { fakeClock, memoryIncidents, probeRun, watchWorld } from '../support/watch-world.ts';

/**
 * Two instances on one table, their storage calls and posts in any order, either of them dying between any two steps,
 * channels that refuse. What must hold whatever happens is asserted on what the channels took.
 */
const CODES = ['smtp_auth_unsuccessful', 'tcp_timeout', 'entra_unavailable', 'vault_certificate_expired'] as const;
const PHASES = {
  smtp_auth_unsuccessful: 'auth',
  tcp_timeout: 'tcp',
  entra_unavailable: 'token',
  vault_certificate_expired: 'vault',
} as const;

type Event =
  | { readonly kind: 'run'; readonly by: readonly (0 | 1)[]; readonly code: (typeof CODES)[number] | 'good' }
  | { readonly kind: 'mail'; readonly by: 0 | 1; readonly code: (typeof CODES)[number] | 'good' }
  | { readonly kind: 'minute'; readonly by: readonly (0 | 1)[] }
  | { readonly kind: 'dies'; readonly who: 0 | 1; readonly afterSteps: number }
  | { readonly kind: 'channel'; readonly index: 0 | 1; readonly isDown: boolean };

const instance = fc.constantFrom<0 | 1>(0, 1);
const instances = fc.constantFrom<readonly (0 | 1)[]>([0], [1], [0, 1]);
const outcome = fc.constantFrom<(typeof CODES)[number] | 'good'>(...CODES, 'good', 'good', 'good');
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('run' as const), by: instances, code: outcome }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('mail' as const), by: instance, code: outcome }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('minute' as const), by: instances }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('dies' as const), who: instance, afterSteps: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('channel' as const), index: instance, isDown: fc.boolean() }) },
);

interface Post {
  readonly alert: Alert;
  readonly by: number;
}

/** Plays the events and lets everything end well; gives what each channel took, in order, and the deaths. */
async function play(events: readonly Event[], scheduler: fc.Scheduler, withDeaths: boolean) {
  const base = memoryIncidents();
  const clock = fakeClock();
  const took: Post[][] = [[], []];
  const isDown = [false, false];
  let deaths = 0;
  let born = 0;
  const never = new Promise<never>(() => {});

  /** An instance whose every step may be its last, and comes when the scheduler says. */
  function begin() {
    const number = born++;
    const life = { steps: Number.POSITIVE_INFINITY };
    const step = async <T>(work: () => Promise<T>): Promise<T> => {
      if (--life.steps < 0) return never;
      await scheduler.schedule(Promise.resolve(), 'step');
      const result = await work();
      return --life.steps < 0 ? never : result;
    };
    const store: WatchStore = {
      list: () => step(() => base.list()),
      read: key => step(() => base.read(key)),
      write: (row, etag, closed) => step(() => base.write(row, etag, closed)),
      remove: (key, etag) => step(() => base.remove(key, etag)),
      closed: sinceMs => base.closed(sinceMs),
      forget: beforeMs => base.forget(beforeMs),
    };
    const channels = [0, 1].map(
      (index): AlertChannel => ({
        key: `c${index}`,
        kind: 'webhook',
        send: alert =>
          step(async () => {
            if (isDown[index]) return { ok: false, reason: 'answered 500' } as const;
            took[index]?.push({ alert, by: number });
            return { ok: true } as const;
          }),
      }),
    );
    const { start, log } = watchWorld({ store, clock });
    const names = channels.map(({ key, kind }) => ({ key, kind, target: '' }));
    return { life, log, watching: start({ channelNames: names, channels: async () => channels }) };
  }

  let alive = [begin(), begin()];
  for (const one of events) {
    if (one.kind === 'channel') isDown[one.index] = one.isDown;
    else if (one.kind === 'dies') {
      const dying = alive[one.who];
      if (withDeaths && dying) dying.life.steps = one.afterSteps;
    } else {
      clock.ms += one.kind === 'mail' ? 1_000 : 300_000;
      const by = typeof one.by === 'number' ? [one.by] : one.by;
      const work = by.flatMap(who => {
        const { watching, log } = alive[who] ?? assert.fail();
        if (one.kind === 'minute') return watching.watchMinute(log);
        if (one.kind === 'mail')
          return watching.noteTraffic(
            one.code === 'good'
              ? { mailbox: 'a@contoso.com', ok: true }
              : { mailbox: 'a@contoso.com', ok: false, code: one.code },
            log,
          );
        const run = probeRun(
          clock.ms - 2_000 + who * 500,
          one.code === 'good' ? 'good' : { phase: PHASES[one.code], code: one.code },
        );
        return watching.noteProbeRuns([run], log);
      });
      let done = false;
      void Promise.all(work).then(() => {
        done = true;
      });
      // Ends when all is done, or when what is left hangs in an instance that has died.
      while (!done) {
        for (let idle = 0; idle < 20 && scheduler.count() === 0 && !done; idle++) await Promise.resolve();
        await new Promise(resolve => setImmediate(resolve));
        if (scheduler.count() > 0) await scheduler.waitOne();
        else if (!done && alive.some(({ life }) => life.steps < 0)) break;
      }
      alive = alive.map(each => {
        if (each.life.steps >= 0) return each;
        deaths++;
        return begin();
      });
    }
  }
  // The channels come back, claims of the dead run out, and the mailbox is well for long.
  isDown.fill(false);
  const { watching, log } = watchOn(base, clock, took);
  for (let count = 0; count < 10; count++) {
    clock.ms += 1_800_000;
    await watching.noteProbeRuns([probeRun(clock.ms - 2_000, 'good')], log);
    await watching.watchMinute(log);
  }
  return { took, deaths, rows: await base.list(), ended: base.ended };
}

function watchOn(store: WatchStore, clock: ReturnType<typeof fakeClock>, took: Post[][]) {
  const channels = [0, 1].map(
    (index): AlertChannel => ({
      key: `c${index}`,
      kind: 'webhook',
      async send(alert) {
        took[index]?.push({ alert, by: -1 });
        return { ok: true };
      },
    }),
  );
  const { start, log } = watchWorld({ store, clock });
  const names = channels.map(({ key, kind }) => ({ key, kind, target: '' }));
  return { log, watching: start({ channelNames: names, channels: async () => channels }) };
}

function assertSound({ took, deaths, rows, ended }: Awaited<ReturnType<typeof play>>): void {
  for (const posts of took) {
    const byId = Map.groupBy(posts, ({ alert }) => alert.id);
    const repeats = [...byId.values()].reduce((sum, same) => sum + same.length - 1, 0);
    // Only whoever dies between a post and its note leaves a repeat behind, and one death leaves one claim.
    assert.ok(repeats <= deaths, `${repeats} repeats after ${deaths} deaths`);
    for (const same of byId.values()) {
      const texts = new Set(same.map(({ alert }) => JSON.stringify(alert)));
      assert.equal(texts.size, 1, 'what is repeated says the same');
    }
    const first = [...byId.values()].flatMap(([post]) => post?.alert ?? []);
    const open = new Map<string, string>();
    const closed = new Set<string>();
    for (const { type, incidentId } of first) {
      if (type === 'incident.opened') {
        assert.ok(!open.has(incidentId) && !closed.has(incidentId), 'opened once, and before its end');
        open.set(incidentId, incidentId);
        assert.ok(open.size <= 1, 'never two open incidents of one mailbox');
      } else if (type === 'incident.closed') {
        assert.ok(!closed.has(incidentId), 'closed once');
        closed.add(incidentId);
        open.delete(incidentId);
      } else assert.ok(!closed.has(incidentId), `no ${type} after the end`);
    }
    assert.equal(open.size, 0, 'whatever was opened is closed when all is well');
    assert.deepEqual([...closed].sort(), ended.map(({ id }) => id).sort(), 'every end is told');
  }
  assert.ok(
    rows.every(({ row }) => !row.subject?.incident && row.notices.length === 0),
    'nothing is left to tell',
  );
}

const events = fc.array(event, { minLength: 4, maxLength: 24 });

test('two instances tell nothing twice, and everything once', async () => {
  await fc.assert(
    fc.asyncProperty(events, fc.scheduler(), async (list, scheduler) => {
      const played = await play(list, scheduler, false);
      assert.equal(played.deaths, 0);
      assertSound(played);
    }),
    { numRuns: 150 },
  );
});

test('an instance that dies between two steps leaves at most one repeat, under the same name and with the same words', async () => {
  await fc.assert(
    fc.asyncProperty(events, fc.scheduler(), async (list, scheduler) => {
      assertSound(await play(list, scheduler, true));
    }),
    { numRuns: 250 },
  );
});
