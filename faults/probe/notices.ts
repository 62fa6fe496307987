import { createHmac } from 'node:crypto';
import type { WebhookCall } from '../../test/support/webhook-receiver.ts';

/** Secret of the webhook channel; it stands in the vault, where operators keep it. */
export const HOOK_SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

/** A notification as the operator's receiver understands it. */
export interface Notice {
  readonly type: string;
  readonly code: string;
  readonly mailboxes: readonly string[];
  readonly incidentId: string;
  readonly isSigned: boolean;
  readonly atMs: number;
}

/** Reads a call by the words of Standard Webhooks alone, with nothing of the app's own. */
export function noticeOf({ headers, body, atMs }: WebhookCall): Notice {
  const { type, data } = JSON.parse(body);
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': given } = headers;
  const key = Buffer.from(HOOK_SECRET.slice('whsec_'.length), 'base64');
  const right = `v1,${createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64')}`;
  const isSigned = given === right && Math.abs(Number(at) * 1000 - atMs) < 300_000;
  return { type, code: data.code, mailboxes: data.mailboxes, incidentId: data.incidentId, isSigned, atMs };
}

export const isOfType =
  (type: string) =>
  (call: WebhookCall): boolean =>
    JSON.parse(call.body).type === type;
