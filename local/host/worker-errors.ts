/**
 * Makes an error with the mark of the worker's own ("system") errors. The library reads the mark, for instance to tell
 * an unknown hook from other failures.
 */
export function systemError(type: new (message: string) => Error, message: string): Error {
  return Object.assign(new type(message), { isAzureFunctionsSystemError: true });
}

/** @returns `thrown` itself when it is an Error, else an Error with its text; null and undefined give "Unknown error". */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  if (thrown === null || thrown === undefined) return new Error('Unknown error');
  return new Error(typeof thrown === 'object' ? JSON.stringify(thrown) : String(thrown));
}

/** The worker's `Disposable`: an object whose `dispose` runs the given function once. Part of the worker's API. */
export class Disposable {
  #callOnDispose: (() => unknown) | undefined;

  /** Joins several into one; each must have a `dispose` member. */
  static from(...parts: { dispose: () => unknown }[]): Disposable {
    return new Disposable(() => {
      for (const part of parts) part.dispose();
    });
  }

  constructor(callOnDispose: () => unknown) {
    this.#callOnDispose = callOnDispose;
  }

  dispose(): void {
    const call = this.#callOnDispose;
    this.#callOnDispose = undefined;
    call?.();
  }
}

export function disposable(callOnDispose: () => unknown): Disposable {
  return new Disposable(callOnDispose);
}
