import type { ContentStore } from '../../shared/domain/content-ports.ts';
import type { MailSettings } from '../../shared/domain/mail-settings.ts';
import type { MailboxStates } from '../../shared/domain/mailbox-ports.ts';
import type { MessageStore } from '../../shared/domain/message-ports.ts';
import type { MailboxState } from '../../shared/domain/pacing.ts';
import type { Log } from '../../shared/domain/ports.ts';
import type { RequestQueues, WakeQueue } from '../../shared/domain/queue-ports.ts';
import { acceptMail } from '../../shared/usecases/accept-mail.ts';
import { cancelMessage, retryMessage } from '../../shared/usecases/change-message.ts';
import { type DeliverDeps, deliverMail } from '../../shared/usecases/deliver-mail.ts';
import { mailboxPacer } from '../../shared/usecases/mailbox-pacer.ts';
import { releaseDue } from '../../shared/usecases/release-due.ts';
import { sweep } from '../../shared/usecases/sweep.ts';
import type { MemoryMessages } from './memory-messages.ts';
import { storageAway, type virtualExchange } from './virtual-exchange.ts';
import { memoryQueueService } from './virtual-queue.ts';
import type { VirtualHost, VirtualWorld } from './virtual-world.ts';

export interface VirtualAppOptions {
  readonly world: VirtualWorld;
  readonly table: MemoryMessages;
  readonly settings: MailSettings;
  readonly transport: ReturnType<typeof virtualExchange>;
  readonly isPaced: boolean;
  /** Mails larger than this go to a blob. */
  readonly inlineBytes: number;
  readonly log: Log;
}

const OPERATOR = { id: 'test', isOperator: true };

/**
 * The use cases of the app as functions of an instance. All that an instance asks of storage is a call of the virtual
 * world, of the kind `store`; the services themselves are in memory and shared.
 */
export function virtualApp({ world, table, settings, transport, isPaced, inlineBytes, log }: VirtualAppOptions) {
  const blobs = new Map<string, Uint8Array>();
  const queue = memoryQueueService(world.now);
  const mailboxes = new Map<string, { state: MailboxState; etag: string }>();
  let etags = 0;

  function partsOf(host: VirtualHost) {
    const step = <T>(label: string, perform: () => T): Promise<T> =>
      world.call(host, { kind: 'store', label, perform, failure: storageAway });
    const store: MessageStore = {
      insert: (record, content, options) => step('insert', () => table.insert(record, content, options)),
      read: id => step('read', () => table.read(id)),
      peek: id => step('peek', () => table.peek(id)),
      write: (record, etag, change) =>
        step(`write ${record.id.slice(-4)} ${record.status} ${record.claim?.phase ?? ''}`, () =>
          table.write(record, etag, change),
        ),
      list: () => Promise.resolve({ records: [] }),
      findKey: row => step('findKey', () => table.findKey(row)),
      noteKey: (row, id) => step('noteKey', () => table.noteKey(row, id)),
      openRows: (...wanted) => step('openRows', () => table.openRows(...wanted)),
      release: (...wanted) => step('release', () => table.release(...wanted)),
      contentDue: (nowMs, max) => step('contentDue', () => table.contentDue(nowMs, max)),
      async dropContent(due, dropBlob) {
        if (await step('dropContent', () => table.dropContent(due))) await dropBlob();
      },
      expired: () => Promise.resolve([]),
      remove: () => Promise.resolve(),
    };
    const contents: ContentStore = {
      put: (id, content) => step('blob put', () => void blobs.set(id, content)),
      putStream: () => Promise.reject(new Error('not used here')),
      get: async id => {
        const bytes = await step('blob get', () => blobs.get(id));
        return bytes && once(bytes);
      },
      delete: id => step('blob delete', () => void blobs.delete(id)),
      putPoison: (name, text) => step('blob poison', () => void blobs.set(`poison/${name}`, Buffer.from(text))),
      getIntake: () => Promise.resolve(undefined),
    };
    const wakeUps: WakeQueue = {
      put: (wakeUp, _priority, delayMs) => step('wake', () => queue.put(JSON.stringify(wakeUp), delayMs)),
    };
    const requests: RequestQueues = {
      poisonRequest: () => Promise.resolve(),
      retryRequest: () => Promise.resolve(),
      unwrapRequest: value => Promise.resolve(value),
      receivePoison: max =>
        step('poison', () =>
          queue.receivePoison(max).map(message => ({
            queue: 'mail-submissions-poison',
            text: message.text,
            insertedAtMs: world.now(),
            done: () => step('poison done', () => queue.deletePoison(message)),
          })),
        ),
    };
    const states: MailboxStates = {
      read: mailbox => step('mailbox read', () => mailboxes.get(mailbox)),
      write: (mailbox, state, etag) =>
        step('mailbox write', () => {
          if (mailboxes.get(mailbox)?.etag !== etag) return { ok: false, reason: 'conflict' } as const;
          const written = { state, etag: `"${++etags}"` };
          mailboxes.set(mailbox, written);
          return { ok: true, etag: written.etag } as const;
        }),
      list: () => Promise.resolve([]),
    };
    const pacer = isPaced ? { pacer: mailboxPacer(states, host.clock) } : {};
    const release = { settings, store, wakeUps, clock: host.clock, ...pacer };
    const deliver: DeliverDeps = {
      ...release,
      contents,
      transport: transport(host),
      onBreakerClosed: async mailbox => void (await releaseDue(release, log, mailbox)),
    };
    return { deliver, requests };
  }

  function start(name: string) {
    const host = world.newHost(name);
    const { deliver, requests } = partsOf(host);
    const run = <T>(work: () => Promise<T>) => world.run(host, work);
    return {
      host,
      accept: (value: unknown, key?: string) =>
        run(() =>
          acceptMail(
            { ...deliver, compose: async () => Buffer.from('Subject: x\r\n\r\nbody\r\n'), inlineBytes },
            {
              caller: OPERATOR,
              channel: 'http',
              body: { kind: 'request', value },
              traceId: '',
              ...(key === undefined ? {} : { idempotencyKey: key }),
            },
            log,
          ),
        ),
      deliver: (wakeUp: { readonly messageId: string; readonly generation?: number }) =>
        run(() => deliverMail(deliver, wakeUp, log)),
      sweep: () => run(() => sweep({ ...deliver, requests }, log)),
      cancel: (id: string) => run(() => cancelMessage(deliver, OPERATOR, id, log)),
      retry: (id: string) => run(() => retryMessage(deliver, OPERATOR, id, log)),
    };
  }

  return { queue, blobs: blobs as ReadonlyMap<string, Uint8Array>, start };
}

export type VirtualInstance = ReturnType<ReturnType<typeof virtualApp>['start']>;

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
