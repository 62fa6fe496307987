type StorageFailure = { statusCode?: number; code?: string };

/**
 * Tells that a message is not ours any more or its queue is no more: nothing to delete, release or renew. The service
 * answers a stale pop receipt with 400 or 404, a queue being deleted with 409.
 */
export function isGone(error: unknown): boolean {
  const { statusCode, code } = error as StorageFailure;
  return (
    statusCode === 404 || code === 'PopReceiptMismatch' || code === 'QueueBeingDeleted' || code === 'QueueDisabled'
  );
}

/** The service's own fault, or none could be reached. */
export function isServerSide(error: unknown): boolean {
  const { statusCode } = error as StorageFailure;
  return statusCode === undefined || statusCode >= 500;
}

export function isQueueMissing(error: unknown): boolean {
  return (error as StorageFailure).code === 'QueueNotFound' || (error as StorageFailure).statusCode === 404;
}
