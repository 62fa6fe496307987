import { setTimeout as delay } from 'node:timers/promises';
import type { BlobLeaseClient } from '@azure/storage-blob';
import type { BlobContainerClient } from './host-blobs.ts';

export type ListenerLockOptions = {
  /** Length of the blob lease in milliseconds, 15 to 60 s; 60 s in Azure. 0 = no lock is taken. */
  leaseMs: number;
  /** Wait between two tries to get the lease, milliseconds. 60 s in Azure. */
  retryMs: number;
};

/**
 * Runs `work` while this process holds the lease of the blob at `path`, so that of several hosts on one storage account
 * only one runs it. When the lease is lost, the signal given to `work` is aborted and the lease is sought again.
 * @param signal ends everything; the lease is then given back at once.
 */
export async function whileHoldingLock(
  container: BlobContainerClient,
  path: string,
  { leaseMs, retryMs }: ListenerLockOptions,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const blob = container.getBlockBlobClient(path);
  const pause = (ms: number, until: AbortSignal) => delay(ms, undefined, { signal: until }).catch(() => {});
  while (!signal.aborted) {
    const lease = blob.getBlobLeaseClient();
    if (!(await tryAcquire(lease, blob, leaseMs))) {
      await pause(retryMs, signal);
      continue;
    }
    const lost = new AbortController();
    const either = AbortSignal.any([signal, lost.signal]);
    const working = work(either);
    while (!either.aborted) {
      await pause(leaseMs / 2, either);
      if (!either.aborted) await lease.renewLease().catch(() => lost.abort());
    }
    await working;
    await lease.releaseLease().catch(() => {});
  }
}

async function tryAcquire(
  lease: BlobLeaseClient,
  blob: { upload: (body: string, length: number, options: object) => Promise<unknown> },
  leaseMs: number,
): Promise<boolean> {
  const acquire = () => lease.acquireLease(Math.round(leaseMs / 1000));
  try {
    await acquire();
    return true;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode !== 404) return false;
  }
  try {
    await blob.upload('', 0, { conditions: { ifNoneMatch: '*' } }).catch(() => {}); // another host may be quicker
    await acquire();
    return true;
  } catch {
    return false;
  }
}
