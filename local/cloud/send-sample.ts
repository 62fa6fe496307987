import { setTimeout as sleep } from 'node:timers/promises';
import type { StoredMail } from '../m365/mail-store.ts';
import { parseLogEntry } from './log-entry.ts';
import { sampleMessage } from './sample-message.ts';
import type { Cloud } from './start-cloud.ts';

/** One step of the sample's way, `ms` after the request was sent. */
export interface Step {
  ms: number;
  name: string;
  text: string;
}

interface SampleResult {
  steps: Step[];
  /** Why the mail did not arrive; undefined when it did. */
  failure?: string;
}

/** What is read here of `GET /api/messages/{id}`. */
interface MessageStatus {
  status: string;
  simulated?: boolean;
  events: { at: string; status: string; attempt?: number; reply?: string }[];
  diagnosis?: { code: string; cause: string; remedy: string };
}

const POLL_MS = 100;
const FINAL = ['sent', 'failed', 'expired', 'unknown', 'cancelled'];

/**
 * Sends one mail by the API and follows it until it is in the mail store, by its status and by the app's log.
 * @param limitMs how long it may take, default 30 s
 */
export async function sendSample(cloud: Cloud, from: string, limitMs = 30_000): Promise<SampleResult> {
  const begunAtMs = Date.now();
  const steps: Step[] = [];
  const note = (name: string, text: string, atMs = Date.now()): void =>
    void steps.push({ ms: Math.max(0, Math.round(atMs - begunAtMs)), name, text });
  const sorted = () => steps.toSorted((a, b) => a.ms - b.ms);
  const deadline = AbortSignal.timeout(limitMs);
  const key = cloud.host().keys?.host;
  const headers = { 'Content-Type': 'application/json', ...(key ? { 'x-functions-key': key } : {}) };
  const arrivals = watchArrivals(cloud);
  const stopReading = cloud.hostLines.onLine(line => noteLine(line, note));
  try {
    const body = JSON.stringify(sampleMessage(from));
    const answer = await fetch(`${cloud.url}/api/messages`, { method: 'POST', headers, body, signal: deadline });
    const text = await answer.text();
    if (answer.status !== 202) return { steps, failure: `POST /api/messages answered ${answer.status}. ${text}` };
    const { id } = JSON.parse(text) as { id: string };
    note('accepted', `202 for POST /api/messages, ${id}`);
    let status: MessageStatus | undefined;
    let arrived: StoredMail | undefined;
    while (!deadline.aborted && !(status && FINAL.includes(status.status) && (arrived || status.status !== 'sent'))) {
      await sleep(POLL_MS);
      const response = await fetch(`${cloud.url}/api/messages/${id}`, { headers, signal: deadline });
      if (response.ok) status = (await response.json()) as MessageStatus;
      arrived = arrivals.find(id);
      if (status?.simulated && status.status === 'sent') break;
    }
    noteTimeline(status, note);
    if (arrived) note('arrived', `${cloud.inboxUrl}/#${arrived.id}`, arrived.receivedAt.getTime());
    const isWell = arrived !== undefined || status?.simulated === true;
    return { steps: sorted(), ...(isWell ? {} : { failure: reasonOf(id, status, limitMs) }) };
  } catch (error) {
    const why = deadline.aborted ? `it was not done within ${limitMs / 1000} s` : `the API does not answer (${error})`;
    return { steps: sorted(), failure: `The sample was not sent: ${why}.` };
  } finally {
    stopReading();
    arrivals.stop();
  }
}

/** Tells whether the sample's steps say already what the line says. */
export function isToldBySample(line: string): boolean {
  const told = /^(message\.(accepted|sending|sent)|vault\.certificate\.read|token\.acquired|smtp\.connected)$/;
  return told.test(parseLogEntry(line)?.event ?? '');
}

function watchArrivals({ m365 }: Cloud): { find(id: string): StoredMail | undefined; stop(): void } {
  const mails: StoredMail[] = [];
  const stop = m365.mails.onMail(mail => void mails.push(mail));
  return { find: id => mails.find(mail => mail.raw.includes(`X-Exosend-Id: ${id}`)), stop };
}

/** Sign-in is told in the log only: it belongs to the connection, not to the mail. */
function noteLine(line: string, note: (name: string, text: string) => void): void {
  const entry = parseLogEntry(line);
  if (entry?.event === 'token.acquired') note('token', `from Entra ID, took ${entry['ms']} ms with Key Vault`);
  if (entry?.event === 'smtp.connected') note('connected', `signed in with XOAUTH2 as ${entry['mailbox']}`);
}

function noteTimeline(
  status: MessageStatus | undefined,
  note: (name: string, text: string, atMs: number) => void,
): void {
  for (const { at, status: name, attempt, reply } of status?.events ?? []) {
    if (name === 'queued') continue;
    note(name === 'sent' ? 'submitted' : name, reply ?? `attempt ${attempt}`, Date.parse(at));
  }
}

function reasonOf(id: string, status: MessageStatus | undefined, limitMs: number): string {
  const found = status?.diagnosis;
  const why = found ? ` ${found.code}: ${found.cause} ${found.remedy}` : '';
  return `The sample (${id}) did not arrive within ${limitMs / 1000} s; it is ${status?.status ?? 'not known'}.${why}`;
}
