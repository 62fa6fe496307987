import { addJsonMembers, createBindingData } from '../binding-data.ts';
import type { TypedData } from '../rpc-types.ts';
import { formatDateTimeOffset } from '../time-span.ts';

/** What the trigger needs of a message; times in milliseconds since the epoch. */
export type MessageFacts = {
  id?: string;
  popReceipt?: string;
  dequeueCount: number;
  insertedAt: number;
  /** undefined = never. */
  expiresAt?: number;
  nextVisibleAt?: number;
};

/** A body that is no valid base64: the message cannot be given to the function at all. */
export const undecodable = Symbol('undecodable');

/**
 * Takes the content of a queue message out of its wire text. .NET's decoder ignores white space and is strict in all
 * else, unlike Node's.
 */
export function decodeBody(text: string, encoding: 'base64' | 'none'): Buffer | typeof undecodable {
  if (encoding === 'none') return Buffer.from(text, 'utf8');
  const compact = text.replaceAll(/[ \t\r\n]/g, '');
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) return undecodable;
  return Buffer.from(compact, 'base64');
}

// .NET's greatest point in time stands for "never".
const maxDateTimeOffset = '9999-12-31T23:59:59.9999999+00:00';

/**
 * Builds input and trigger metadata of a queue message. Members of a JSON message override the queue's own fields of
 * the same name, whatever their case: a member `id` hides the queue message's Id (QueueTriggerBinding and
 * WorkerFunctionInvoker.TransformInput of the real host).
 */
export function toQueueInput(
  text: string,
  facts: MessageFacts,
): { data: TypedData; triggerMetadata: Record<string, TypedData> } {
  const data = createBindingData();
  data.set('QueueTrigger', text);
  data.setJson('DequeueCount', facts.dequeueCount);
  data.setJson('ExpirationTime', toTime(facts.expiresAt));
  if (facts.id !== undefined) data.set('Id', facts.id);
  data.setJson('InsertionTime', toTime(facts.insertedAt));
  data.setJson('NextVisibleTime', toTime(facts.nextVisibleAt));
  if (facts.popReceipt !== undefined) data.set('PopReceipt', facts.popReceipt);
  addJsonMembers(data, text);
  return { data: { string: text }, triggerMetadata: data.toRpc() };
}

function toTime(at: number | undefined): string {
  return at === undefined ? maxDateTimeOffset : formatDateTimeOffset(at);
}
