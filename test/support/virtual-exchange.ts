import { ServiceFailure } from '../../shared/domain/failure.ts';
import type { MailTransport, SubmitJob, SubmitResult } from '../../shared/domain/transport-ports.ts';
import type { VirtualHost, VirtualWorld } from './virtual-world.ts';

/** A mail that the server has: answered with 250, or stored although the answer was lost. */
export interface StoredMail {
  readonly messageId: string;
  readonly recipients: readonly string[];
}

type Failed = Extract<SubmitResult, { kind: 'failed' }>;

const lost = (stage: Failed['facts']['stage'], inDoubt = false): Failed => ({
  kind: 'failed',
  facts: { stage, errorCode: 'ECONNRESET', text: 'connection lost' },
  inDoubt,
  refused: [],
});
const reply = (stage: Failed['facts']['stage'], text: string): Failed => ({
  kind: 'failed',
  facts: { stage, text, replyCode: Number(text.slice(0, 3)) },
  inDoubt: false,
  refused: [],
});

/** Fates of the calls to the mail server, by kind of gate; the first of each is the good one. Weighted so that many get as far as the dot. */
export const SMTP_FATES = {
  connect: ['go', 'go', 'go', 'busy', 'refused', 'signInRefused'],
  envelope: ['go', 'go', 'go', 'go', 'someBusy', 'someBusy', 'someGone', 'lost4xx', 'mail4xx', 'mail5xx', 'lostLine'],
  content: ['go', 'go', 'go', 'lostLine'],
  dot: ['go', 'slow', 'storedAndLost', 'storedAndLost', 'lostUnstored', '451', '550'],
} as const;

/**
 * Exchange as a MailTransport with the contract of smtp-submit.ts: content only after the envelope, the dot only after
 * `beforeFinal`, no effect of a submission that was aborted before its dot. What the server does about a dot happens
 * although the sender dies.
 */
export function virtualExchange(
  world: VirtualWorld,
  seen: {
    readonly onDot: (host: VirtualHost, job: SubmitJob) => void;
    readonly onStored: (mail: StoredMail) => void;
  },
) {
  return (host: VirtualHost): MailTransport => {
    const ask = <T>(kind: keyof typeof SMTP_FATES, label: string, perform: (fate: string) => T) =>
      world.call(host, {
        kind,
        label,
        perform,
        failure: () => new Error('not a fate of the mail server'),
        ...(kind === 'dot' ? { outlivesHost: true as const } : {}),
      });

    async function submit(job: SubmitJob): Promise<SubmitResult> {
      const label = `${job.messageId.slice(-4)} to ${job.recipients.length}`;
      let stage: 'mail' | 'content' | 'final' = 'mail';
      const aborted = new Promise<Failed>(resolve =>
        job.signal.addEventListener('abort', () => resolve(lost(stage, stage === 'final')), { once: true }),
      );
      const talk = async (): Promise<SubmitResult> => {
        let [accepted, refused] = [job.recipients, [] as Failed['refused']];
        const envelope = await ask('envelope', label, fate => fate);
        if (envelope === 'lost4xx') return reply('mail', '421 4.3.2 Service not active');
        if (envelope === 'mail4xx') return reply('mail', '451 4.3.2 Please try again later');
        if (envelope === 'mail5xx') return reply('mail', '554 5.6.0 Corrupt message content');
        if (envelope === 'lostLine') return lost('mail');
        if (envelope === 'someBusy' || envelope === 'someGone') {
          const text = envelope === 'someBusy' ? '450 4.2.1 mailbox busy' : '550 5.1.10 Recipient not found';
          const [first = '', ...others] = job.recipients;
          accepted = others;
          refused = [{ address: first, facts: { stage: 'rcpt', text, replyCode: Number(text.slice(0, 3)) } }];
          if (others.length === 0) return { ...reply('rcpt', text), refused };
        }
        stage = 'content';
        try {
          for await (const _chunk of await job.content());
          if (await ask('content', label, fate => fate === 'lostLine')) return lost('content');
          await job.beforeFinal();
        } catch (error) {
          const text = error instanceof Error ? error.message : String(error);
          return { kind: 'failed', facts: { stage: 'content', errorCode: 'ESOURCE', text }, inDoubt: false, refused };
        }
        // The line is gone by now: nothing can be handed to it.
        if (job.signal.aborted) return lost('content');
        stage = 'final';
        seen.onDot(host, job);
        return ask('dot', label, fate => {
          if (fate === '451') return { ...reply('final', '451 4.7.0 Temporary server error. PRX5'), refused };
          if (fate === '550') return { ...reply('final', '554 5.6.0 Corrupt message content'), refused };
          if (fate === 'lostUnstored') return { ...lost('final', true), refused };
          seen.onStored({ messageId: job.messageId, recipients: accepted });
          if (fate === 'storedAndLost') return { ...lost('final', true), refused };
          return { kind: 'accepted', reply: '250 2.0.0 OK', accepted, refused, timings: {} };
        });
      };
      return Promise.race([talk(), aborted]);
    }

    return {
      connect: async (_sender, _mailbox, messageId) => {
        const fate = await ask('connect', messageId.slice(-4), found => found);
        if (fate === 'busy') return { kind: 'busy' };
        if (fate === 'refused')
          return { kind: 'failed', facts: reply('greeting', '421 4.3.2 Service not active').facts };
        if (fate === 'signInRefused') {
          return { kind: 'failed', facts: reply('auth', '535 5.7.3 Authentication unsuccessful').facts };
        }
        return { kind: 'connected', connection: { submit, release: () => {} } };
      },
    };
  };
}

export const storageAway = () =>
  new ServiceFailure('storage: no answer', { stage: 'storage', errorCode: 'ETIMEDOUT', text: 'no answer' });
