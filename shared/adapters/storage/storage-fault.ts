import { ServiceFailure } from '../../domain/failure.ts';

interface RestLike {
  readonly statusCode?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
}

/** The HTTP status of an SDK error, undefined when no answer came. */
export function statusOf(error: unknown): number | undefined {
  const status = (error as RestLike | undefined)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}

/** The service's own error code, e.g. `EntityAlreadyExists`, wherever the SDK at hand puts it. */
export function storageCodeOf(error: unknown): string {
  const source = error as
    | { code?: unknown; details?: { odataError?: { code?: unknown }; errorCode?: unknown } }
    | undefined;
  for (const code of [source?.details?.odataError?.code, source?.details?.errorCode, source?.code]) {
    if (typeof code === 'string' && code !== '') return code;
  }
  return '';
}

/**
 * An SDK's error as a ServiceFailure of stage `storage`: which service, which operation, the status and the service's own code. The SDK's
 * message goes no further than `cause`: it can hold URLs with signatures.
 */
export function storageFault(service: 'table' | 'queue' | 'blob', operation: string, error: unknown): ServiceFailure {
  if (error instanceof ServiceFailure) return error;
  const status = statusOf(error);
  const code = storageCodeOf(error);
  return new ServiceFailure(
    `${service} storage: ${operation} failed${status === undefined ? '' : ` with ${status}`}${code === '' ? '' : ` ${code}`}`,
    {
      stage: 'storage',
      errorCode: code === '' ? 'storage_unavailable' : code,
      ...(status === undefined ? {} : { httpStatus: status }),
    },
    { cause: error },
  );
}
