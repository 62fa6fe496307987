import { diagnose } from './diagnosis/diagnose.ts';
import { ServiceFailure } from './failure.ts';

/** Code of docs/errors.md for whatever was thrown: that of the diagnosis for a service's fault, `internal_error` for one of ours. */
export function codeOfError(error: unknown): string {
  return error instanceof ServiceFailure ? diagnose(error.facts).entry.code : 'internal_error';
}
