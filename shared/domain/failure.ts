import type { FailureFacts } from './diagnosis/diagnosis.ts';

/**
 * Thrown by adapters for what a service answered or failed to answer. `facts` are for the diagnosis; the message is
 * safe to log, `cause` is not.
 */
export class ServiceFailure extends Error {
  readonly facts: FailureFacts;
  constructor(message: string, facts: FailureFacts, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ServiceFailure';
    this.facts = facts;
  }
}
