import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, HttpPoint } from '../../local/m365/faults.ts';
import { mailboxesOf, type Rig } from '../support/rig.ts';
import type { Service, Trouble } from '../support/storage-gates.ts';
import { type Scenario, timesOf } from './scenario.ts';

type Named<T> = readonly (readonly [name: string, what: T])[];

const CREDENTIAL_FAULTS: Named<object> = [
  ['down', { action: 'drop' }],
  ['reset', { action: 'drop', reset: true }],
  ['slow', { action: 'delay', ms: 3_000 }],
  ['slow bytes', { action: 'slow', bytesPerSecond: 300 }],
  ['silent', { action: 'stall' }],
  ['500', { action: 'http', status: 500 }],
  ['503', { action: 'http', status: 503, retryAfter: 4 }],
  ['429', { action: 'http', status: 429, retryAfter: 4 }],
];
const CREDENTIALS: Named<HttpPoint> = [
  ['managed identity', 'identity'],
  ['Key Vault', 'vault'],
  ['token endpoint', 'token'],
];

const STORAGE_TROUBLES: Named<Trouble> = [
  ['down', { kind: 'refused' }],
  ['dropped', { kind: 'dropped' }],
  ['answers lost', { kind: 'answerLost' }],
  ['slow', { kind: 'slow', ms: 3_000 }],
  ['503', { kind: 'throttled', status: 503 }],
  ['429', { kind: 'throttled', status: 429 }],
];
const SERVICES: readonly Service[] = ['table', 'queue', 'blob'];
const SHORT_TROUBLES = STORAGE_TROUBLES.filter(([name]) => ['down', 'answers lost', '503'].includes(name));
/** Above what stands in the table row, so that the mail goes through blobs. */
const LARGE_TEXT = 'Is it there? '.repeat(20_000);

/** What a message needs beside the mail server is away, slow or throttled while mail comes in. */
export const outages: Scenario = {
  rig: isShort => ({
    mailboxes: mailboxesOf('outage', isShort ? 3 : 42),
    connections: 12,
    hooks: isShort ? { random: 0.95 } : {},
  }),
  settleMs: 600_000,
  async run(rig, run) {
    const own = rig.mailboxes.filter(mailbox => mailbox.startsWith('outage'));
    let episode = 0;
    const nextMailbox = (): string => own[episode++ % own.length] as string;
    for (const [target, at] of CREDENTIALS) {
      for (const [name, fault] of run.isShort ? CREDENTIAL_FAULTS.slice(0, 1) : CREDENTIAL_FAULTS) {
        run.progress(`${target} ${name}`);
        await credentialOutage(rig, `${target}`, name, { ...fault, at } as Fault, nextMailbox(), run.isShort ? 2 : 12);
      }
    }
    for (const service of SERVICES) {
      for (const [name, trouble] of run.isShort ? SHORT_TROUBLES : STORAGE_TROUBLES) {
        run.progress(`${service} storage ${name}`);
        await storageOutage(rig, service, name, trouble, nextMailbox(), run.isShort);
      }
    }
    return [];
  },
};

/** A new process knows neither token nor certificate, so that it misses what is away. */
async function credentialOutage(
  rig: Rig,
  row: string,
  name: string,
  fault: Fault,
  mailbox: string,
  mails: number,
): Promise<void> {
  const { faults, counters } = rig.cloud.m365;
  faults.set(fault);
  await rig.restartHost();
  const before = counters.faultsTriggered;
  await Promise.all(timesOf(mails).map(() => rig.send(row, name, mailbox)));
  for (const endMs = Date.now() + 10_000; counters.faultsTriggered === before && Date.now() < endMs; ) await sleep(50);
  await sleep(mails > 2 ? 3_000 : 200);
  faults.clear();
}

/** Mails are on their way when the trouble begins, and others come while it lasts. */
async function storageOutage(
  rig: Rig,
  service: Service,
  name: string,
  trouble: Trouble,
  mailbox: string,
  isShort: boolean,
): Promise<void> {
  const row = `${service} storage`;
  const send = (index: number) => rig.send(row, name, mailbox, index % 5 === 1 ? { text: LARGE_TEXT } : {});
  const [mails, lastsMs] = isShort ? [2, 400] : [10, 6_000];
  // The reply to the dot takes a while, so that some mails are at that very point.
  rig.cloud.m365.faults.set({ at: 'smtp.dot', action: 'delay', ms: 300 });
  const before = timesOf(mails).map(send);
  await sleep(isShort ? 100 : 250);
  await rig.storage[service].set(trouble);
  const during: Promise<unknown>[] = [];
  for (const index of timesOf(mails)) {
    during.push(send(index));
    await sleep(lastsMs / mails);
  }
  await rig.storage[service].set(undefined);
  await Promise.all([...before, ...during]);
  rig.cloud.m365.faults.clear();
}
