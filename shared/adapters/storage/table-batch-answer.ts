/** A refusal by the Table service: of one operation, and with it of the whole transaction, or of the request as such. */
export class TableBatchError extends Error {
  /** Of the operation that failed, or of the answer as a whole; undefined when the answer could not be read. */
  readonly statusCode: number | undefined;
  /** The service's own code, e.g. `EntityAlreadyExists`; empty when it gave none. */
  readonly code: string;
  constructor(statusCode: number | undefined, code: string) {
    super(`the transaction was answered with ${statusCode ?? 'something unreadable'} ${code}`.trimEnd());
    this.name = 'TableBatchError';
    this.statusCode = statusCode;
    this.code = code;
  }
}

export interface BatchAnswer {
  readonly status: number;
  readonly text: string;
  /** Header `x-ms-error-code`, which some refusals carry and others do not. */
  readonly errorCode?: string | undefined;
}

/**
 * The new ETags of a transaction's `operations` operations in their order; a deletion has none.
 *
 * Throws TableBatchError for a refusal. Accepted is not done: a transaction that failed is answered with 202 as well, and
 * holds the refusal of the one operation that failed in place of the answers. Also throws it, without a status, when there
 * are fewer or more answers than operations: then nobody knows what was done.
 *
 * Source: Table service REST API, "Performing entity group transactions", read 2026-11.
 */
export function readBatchAnswer(answer: BatchAnswer, operations: number): readonly (string | undefined)[] {
  if (answer.status < 200 || answer.status > 299)
    throw new TableBatchError(answer.status, answer.errorCode ?? codeIn(answer.text));
  const etags: (string | undefined)[] = [];
  // Split at boundary lines, whichever: bodies are JSON on one line, so that none of theirs starts with dashes.
  for (const part of answer.text.split(/^--\S+[ \t]*$/m)) {
    const found = /^HTTP\/1\.\d (\d{3})(?: .*)?$/m.exec(part);
    if (!found) continue;
    const status = Number(found[1]);
    const [head = '', body = ''] = part.slice(found.index).split(/\r?\n\r?\n/, 2);
    if (status > 299) throw new TableBatchError(status, codeIn(body));
    etags.push(/^etag:[ \t]*(\S+)/im.exec(head)?.[1]);
  }
  if (etags.length !== operations) throw new TableBatchError(undefined, 'UnreadableAnswer');
  return etags;
}

/** The code in a body of JSON, or of XML, in which some refusals come whatever was asked for. */
function codeIn(body: string): string {
  const found = /"code"\s*:\s*"(\w+)"|<(?:\w+:)?code>(\w+)</i.exec(body);
  return found?.[1] ?? found?.[2] ?? '';
}
