import { createHash } from 'node:crypto';
import type { ConnectionSlot, ConnectionSlots } from '../../domain/ports.ts';
import type { StorageClients } from './storage-clients.ts';
import { statusOf, storageFault } from './storage-fault.ts';

export const SLOTS_CONTAINER = 'mail-slots';

/** Source: Azure Storage, "Lease Blob": 15 to 60 seconds. Short, so that a dead instance's connections are free again soon. */
const LEASE_SECONDS = 30;
const RENEW_EVERY_MS = 10_000;
/** The lease counts as lost this long before the service would end it: renewals and clocks are not exact. */
const SAFETY_MS = 5_000;

/**
 * A mailbox's connections as blob leases: whoever holds lease n of a mailbox may have its n-th connection. Renewed while
 * held; what is not renewed in time is not used any more.
 */
export function blobSlots(clients: StorageClients): ConnectionSlots {
  return {
    async acquire(mailbox, count, only) {
      // Everybody starts at another place, so that two instances seldom ask for the same one.
      const first = only ?? Math.floor(Math.random() * count);
      for (let i = 0; i < (only === undefined ? count : 1); i++) {
        const slot = await tryLease(clients, keyOf(mailbox), (first + i) % count);
        if (slot) return slot;
      }
      return undefined;
    },
  };
}

async function tryLease(clients: StorageClients, key: string, index: number): Promise<ConnectionSlot | undefined> {
  try {
    const container = (await clients.blobs()).getContainerClient(SLOTS_CONTAINER);
    const blob = container.getBlockBlobClient(`${key}/${index}`);
    const lease = blob.getBlobLeaseClient();
    const askedAt = performance.now();
    try {
      await lease.acquireLease(LEASE_SECONDS);
    } catch (error) {
      const status = statusOf(error);
      if (status === 409) return undefined;
      if (status !== 404) throw error;
      await container.createIfNotExists();
      await blob.upload('', 0, { conditions: { ifNoneMatch: '*' } }).catch((failed: unknown) => {
        if (statusOf(failed) !== 409 && statusOf(failed) !== 412) throw failed;
      });
      await lease.acquireLease(LEASE_SECONDS);
    }
    return heldLease(lease, index, askedAt);
  } catch (error) {
    if (statusOf(error) === 409) return undefined;
    throw storageFault('blob', 'lease a connection slot', error);
  }
}

interface Lease {
  renewLease(): Promise<unknown>;
  releaseLease(): Promise<unknown>;
}

function heldLease(lease: Lease, index: number, askedAt: number): ConnectionSlot {
  let heldUntil = askedAt + LEASE_SECONDS * 1000 - SAFETY_MS;
  let released = false;
  const timer = setInterval(() => {
    const renewedAt = performance.now();
    lease.renewLease().then(
      () => {
        heldUntil = renewedAt + LEASE_SECONDS * 1000 - SAFETY_MS;
      },
      (error: unknown) => {
        // Somebody else has it, or it is gone: at once. A service that is away: the lease runs out by itself.
        if (statusOf(error) !== undefined && (statusOf(error) ?? 500) < 500) heldUntil = 0;
      },
    );
  }, RENEW_EVERY_MS);
  timer.unref();
  return {
    index,
    isHeld: () => !released && performance.now() < heldUntil,
    async release() {
      if (released) return;
      released = true;
      clearInterval(timer);
      await lease.releaseLease().catch(() => undefined);
    },
  };
}

function keyOf(mailbox: string): string {
  return createHash('sha256').update(mailbox.toLowerCase()).digest('hex').slice(0, 32);
}
