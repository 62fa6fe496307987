import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BlobServiceClient } from '@azure/storage-blob';
import { type Gate, startStorageGates, type Trouble } from '../../faults/support/storage-gates.ts';
import { type Azurite, startAzurite } from '../../local/cloud/start-azurite.ts';
import { blobSlots, SLOTS_CONTAINER, type SlotTimes } from '../../shared/adapters/storage/blob-slots.ts';
import { storageClients } from '../../shared/adapters/storage/storage-clients.ts';
import type { ConnectionSlot, ConnectionSlots } from '../../shared/domain/mailbox-ports.ts';
import { startStorageProxy } from '../support/storage-proxy.ts';

/** The shortest lease there is. */
const LEASE_MS = 15_000;
/** Renewed often, and not used for longer than two seconds without a renewal. */
const HOLD_MS = 2_000;
const QUICK: SlotTimes = { leaseSeconds: 15, renewEveryMs: 600, retryEveryMs: 300, safetyMs: LEASE_MS - HOLD_MS };

let azurite: Azurite;
before(async () => {
  azurite = await startAzurite();
});
after(() => azurite.close());

/** An instance of the app of its own. */
function instance(times?: SlotTimes, connectionString = azurite.connectionString): ConnectionSlots {
  return blobSlots(storageClients({ kind: 'connectionString', connectionString }), times);
}

const container = () =>
  BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(SLOTS_CONTAINER);

async function held(t: TestContext, slots: ConnectionSlots, mailbox: string, only?: number): Promise<ConnectionSlot> {
  const slot = await slots.acquire(mailbox, 3, only);
  assert.ok(slot, 'a slot');
  t.after(() => slot.release());
  return slot;
}

async function until<T>(what: string, find: () => T | Promise<T>, withinMs: number): Promise<NonNullable<T>> {
  for (const end = performance.now() + withinMs; ; await sleep(20)) {
    const found = await find();
    if (found) return found;
    assert.ok(performance.now() < end, `${what} within ${withinMs} ms`);
  }
}

test('a storage account without the container: it is made, and of five that come at once three get a slot', async t => {
  assert.equal(await container().exists(), false);
  const found = await Promise.all(Array.from({ length: 5 }, () => instance().acquire('fresh@contoso.com', 3)));
  const slots = found.filter(slot => slot !== undefined);
  t.after(() => Promise.all(slots.map(slot => slot.release())));
  assert.deepEqual(slots.map(slot => slot.index).sort(), [0, 1, 2]);
  assert.ok(slots.every(slot => slot.isHeld()));
  assert.ok(await container().exists());
});

test('a fourth gets none, whatever the letters of the mailbox; another mailbox has its own', async t => {
  const indexes = [];
  for (let i = 0; i < 3; i++) indexes.push((await held(t, instance(), 'full@contoso.com')).index);
  assert.deepEqual(indexes.sort(), [0, 1, 2]);
  assert.equal(await instance().acquire('Full@Contoso.com', 3), undefined);
  await held(t, instance(), 'other@contoso.com');
});

test('the one that is asked for by number, or none', async t => {
  assert.equal((await held(t, instance(), 'chosen@contoso.com', 1)).index, 1);
  assert.equal(await instance().acquire('chosen@contoso.com', 3, 1), undefined);
  assert.equal((await held(t, instance(), 'chosen@contoso.com', 2)).index, 2);
});

test('what is given back is free at once, and a second giving back takes it from nobody', async t => {
  const first = await held(t, instance(), 'back@contoso.com', 0);
  await first.release();
  assert.equal(first.isHeld(), false);
  const second = await held(t, instance(), 'back@contoso.com', 0);
  await first.release();
  assert.ok(second.isHeld());
  assert.equal(await instance().acquire('back@contoso.com', 3, 0), undefined);
});

describe('while time passes', { concurrency: true }, () => {
  test('a lease is renewed beyond its length, and nobody else gets it', async t => {
    const slot = await held(
      t,
      instance({ leaseSeconds: 15, renewEveryMs: 5_000, retryEveryMs: 1_000, safetyMs: 5_000 }),
      'long@contoso.com',
      0,
    );
    const end = performance.now() + LEASE_MS + 2_000;
    while (performance.now() < end) {
      assert.ok(slot.isHeld());
      await sleep(100);
    }
    assert.equal(await instance().acquire('long@contoso.com', 3, 0), undefined);
  });

  test('a renewal is one call', async t => {
    const proxy = await startStorageProxy(azurite.connectionString);
    t.after(() => proxy.close());
    await held(t, instance({ ...QUICK, retryEveryMs: 550 }, proxy.connectionString), 'calls@contoso.com', 0);
    proxy.take();
    await sleep(QUICK.renewEveryMs * 5.5);
    const calls = proxy.take();
    assert.deepEqual(new Set(calls), new Set(['blob: PUT blob (lease)']));
    assert.ok(calls.length >= 3 && calls.length <= 6, `${calls.length} renewals`);
  });

  test('a lease that another client has broken is no longer held, and does not come back', async t => {
    const slot = await held(t, instance(QUICK), 'broken@contoso.com', 0);
    await breakLease('broken@contoso.com', 0);
    await until('the loss is known', () => !slot.isHeld(), QUICK.renewEveryMs + 500);
    const theirs = await held(t, instance(QUICK), 'broken@contoso.com', 0);
    await slot.release();
    await sleep(HOLD_MS);
    assert.equal(slot.isHeld(), false);
    assert.ok(theirs.isHeld());
  });

  for (const trouble of [
    { kind: 'refused' },
    { kind: 'dropped' },
    { kind: 'answerLost' },
    { kind: 'throttled', status: 503 },
    { kind: 'throttled', status: 429 },
  ] as const satisfies readonly Trouble[]) {
    const name = 'status' in trouble ? `${trouble.kind} ${trouble.status}` : trouble.kind;
    test(`storage away for a moment (${name}): the lease is held all along`, async t => {
      const { slots, gate } = await gated(t);
      const mailbox = `${name.replace(' ', '-')}@contoso.com`;
      const slot = await held(t, slots, mailbox, 0);
      await gate.set(trouble);
      await during(HOLD_MS / 2, () => assert.ok(slot.isHeld()));
      await gate.set(undefined);
      assert.ok(gate.met() > 0);
      await during(HOLD_MS, () => assert.ok(slot.isHeld()));
      assert.equal(await instance().acquire(mailbox, 3, 0), undefined);
    });
  }

  test('storage away for good: not used beyond its time, nobody’s before the lease ends, another’s after', async t => {
    const { slots, gate } = await gated(t);
    const slot = await held(t, slots, 'away@contoso.com', 0);
    await sleep(QUICK.renewEveryMs * 2);
    await gate.set({ kind: 'refused' });
    const away = performance.now();
    await until('it is given up', () => !slot.isHeld(), HOLD_MS + 100);
    const other = instance();
    assert.equal(await other.acquire('away@contoso.com', 3, 0), undefined);
    const taken = await until('another has it', () => other.acquire('away@contoso.com', 3, 0), LEASE_MS + 2_000);
    assert.ok(performance.now() - away > LEASE_MS - QUICK.renewEveryMs - 1_000);
    await gate.set(undefined);
    await sleep(QUICK.renewEveryMs * 4);
    assert.equal(slot.isHeld(), false, 'it is another’s now');
    assert.ok(taken.isHeld());
    await taken.release();
  });

  test('a service that says nothing: not used beyond its time', async t => {
    const { slots, gate } = await gated(t);
    const slot = await held(t, slots, 'silent@contoso.com', 0);
    await gate.set({ kind: 'slow', ms: 6_000 });
    await until('it is given up', () => !slot.isHeld(), HOLD_MS + QUICK.renewEveryMs + 100);
    await gate.set(undefined);
    await until('the next renewal counts: nobody else has had it', () => slot.isHeld(), 1_000);
  });
});

async function breakLease(mailbox: string, slot: number): Promise<void> {
  const folder = createHash('sha256').update(mailbox).digest('hex').slice(0, 32);
  await container().getBlobClient(`${folder}/${slot}`).getBlobLeaseClient().breakLease(0);
}

/** An instance that reaches storage through a gate. */
async function gated(t: TestContext): Promise<{ slots: ConnectionSlots; gate: Gate }> {
  const { connectionString, gates, close } = await startStorageGates(azurite.connectionString);
  t.after(close);
  return { slots: instance(QUICK, connectionString), gate: gates.blob };
}

async function during(ms: number, check: () => void): Promise<void> {
  for (const end = performance.now() + ms; performance.now() < end; await sleep(20)) check();
}
