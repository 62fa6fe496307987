import { createHash } from 'node:crypto';
import type { ConnectionSlot, ConnectionSlots } from '../../domain/mailbox-ports.ts';
import type { StorageClients } from './storage-clients.ts';
import { statusOf, storageFault } from './storage-fault.ts';

export const SLOTS_CONTAINER = 'mail-slots';

export interface SlotTimes {
  /** Source: Azure Storage, "Lease Blob": 15 to 60 seconds. */
  readonly leaseSeconds: number;
  readonly renewEveryMs: number;
  /** Where a renewal has no answer yet, or a bad one, another follows it after this. */
  readonly retryEveryMs: number;
  /** The lease counts as lost this long before the service would end it: renewals and clocks are not exact. */
  readonly safetyMs: number;
}

/**
 * A short lease, so that a dead instance's connections are free again soon. It is renewed at its half; where storage is
 * away just then, the tries use the ten seconds that are left.
 */
const SLOT_TIMES: SlotTimes = { leaseSeconds: 30, renewEveryMs: 15_000, retryEveryMs: 3_000, safetyMs: 5_000 };

/** Answers to a renewal that say that the lease is another's or gone. */
const LOST = [404, 409, 412];

/**
 * A mailbox's connections as blob leases: whoever holds lease n of a mailbox may have its n-th connection. Renewed while
 * held; what is not renewed in time is not used any more.
 */
export function blobSlots(clients: StorageClients, times: SlotTimes = SLOT_TIMES): ConnectionSlots {
  return {
    async acquire(mailbox, count, only) {
      // Everybody starts at another place, so that two instances seldom ask for the same one.
      const first = only ?? Math.floor(Math.random() * count);
      for (let i = 0; i < (only === undefined ? count : 1); i++) {
        const slot = await tryLease(clients, times, keyOf(mailbox), (first + i) % count);
        if (slot) return slot;
      }
      return undefined;
    },
  };
}

async function tryLease(
  clients: StorageClients,
  times: SlotTimes,
  key: string,
  index: number,
): Promise<ConnectionSlot | undefined> {
  try {
    const container = (await clients.blobs()).getContainerClient(SLOTS_CONTAINER);
    const blob = container.getBlockBlobClient(`${key}/${index}`);
    const lease = blob.getBlobLeaseClient();
    const askedAt = performance.now();
    try {
      await lease.acquireLease(times.leaseSeconds);
    } catch (error) {
      const status = statusOf(error);
      if (status === 409) return undefined;
      if (status !== 404) throw error;
      await container.createIfNotExists();
      await blob.upload('', 0, { conditions: { ifNoneMatch: '*' } }).catch((failed: unknown) => {
        if (statusOf(failed) !== 409 && statusOf(failed) !== 412) throw failed;
      });
      await lease.acquireLease(times.leaseSeconds);
    }
    return heldLease(lease, index, askedAt, times);
  } catch (error) {
    if (statusOf(error) === 409) return undefined;
    throw storageFault('blob', 'lease a connection slot', error);
  }
}

interface Lease {
  renewLease(options: { readonly abortSignal: AbortSignal }): Promise<unknown>;
  releaseLease(): Promise<unknown>;
}

function heldLease(lease: Lease, index: number, askedAt: number, times: SlotTimes): ConnectionSlot {
  const holdMs = times.leaseSeconds * 1000 - times.safetyMs;
  let heldUntil = askedAt + holdMs;
  /** Given back, or known to be lost: for good. */
  let hasEnded = false;
  let timer: NodeJS.Timeout | undefined;
  renewAt(askedAt + times.renewEveryMs);

  function renewAt(atMs: number): void {
    clearTimeout(timer);
    timer = setTimeout(renew, atMs - performance.now());
    timer.unref();
  }

  function renew(): void {
    const renewedAt = performance.now();
    renewAt(renewedAt + times.retryEveryMs);
    // What is answered later than that says nothing any more.
    lease.renewLease({ abortSignal: AbortSignal.timeout(holdMs) }).then(
      () => {
        // Renewals may be answered out of order.
        heldUntil = Math.max(heldUntil, renewedAt + holdMs);
        if (!hasEnded) renewAt(heldUntil - holdMs + times.renewEveryMs);
      },
      (error: unknown) => {
        // A service that is away, or throttles: the lease runs out by itself.
        if (LOST.includes(statusOf(error) ?? 0)) end();
      },
    );
  }

  function end(): void {
    hasEnded = true;
    clearTimeout(timer);
  }

  return {
    index,
    isHeld: () => !hasEnded && performance.now() < heldUntil,
    async release() {
      if (hasEnded) return;
      end();
      await lease.releaseLease().catch(() => undefined);
    },
  };
}

function keyOf(mailbox: string): string {
  return createHash('sha256').update(mailbox.toLowerCase()).digest('hex').slice(0, 32);
}
