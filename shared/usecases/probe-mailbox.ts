import type { Breaker } from '../domain/breaker.ts';
import { findEntry } from '../domain/diagnosis/catalogue.ts';
import { ServiceFailure } from '../domain/failure.ts';
import type { ConnectionSlot, ConnectionSlots } from '../domain/mailbox-ports.ts';
import type { MessageStore } from '../domain/message-ports.ts';
import type { Clock, Log } from '../domain/ports.ts';
import type { CredentialWalk, ServerWalk, SmtpFindings } from '../domain/probe-ports.ts';
import type { PhaseResult, ProbeRun } from '../domain/probe-run.ts';
import { makeRun, unreached, withCandidates } from '../domain/probe-verdict.ts';
import { type Sender, senderOfMailbox } from '../domain/sender.ts';
import type { PacedMailbox } from './mailbox-pacer.ts';
import { attempt, logTrouble } from './probe-trouble.ts';

/** What one mailbox's run needs. */
export interface ProbeMailboxDeps {
  readonly senders: readonly Sender[];
  readonly mode: 'live' | 'allow-list' | 'sandbox';
  readonly endpoint: { readonly host: string; readonly port: number };
  /** Of settings that have a default to stand in for them. */
  readonly settingProblems: readonly string[];
  readonly clock: Clock;
  readonly store: Pick<MessageStore, 'list'>;
  readonly slots: ConnectionSlots;
  readonly pacer: {
    breakerOf(mailbox: string): Promise<Breaker>;
    wantSlot(paced: PacedMailbox, isPatient: boolean): Promise<number | undefined>;
  };
}

/** What the mailboxes of one round share. */
export interface RoundWalks {
  readonly credentials: CredentialWalk;
  readonly server: ServerWalk;
}

/** How long a run waits for a connection once it has said that it wants one. */
const SLOT_TRIES = 5;
const SLOT_PAUSE_MS = 1_500;
/** Where no run is known from before, a send counts as recent within this time. */
const RECENT_MS = 15 * 60_000;

/**
 * One walk of the mail's way for one mailbox. Without a token the conversation cannot begin; without a connection it need
 * not where mail goes through. Never throws for what a service did.
 *
 * @param before the run before this one
 * @param canary what this run has to tell of the mailbox's canary
 */
export async function probeMailbox(
  deps: ProbeMailboxDeps,
  walks: RoundWalks,
  mailbox: string,
  before: ProbeRun | undefined,
  canary: PhaseResult | undefined,
  log: Log,
): Promise<ProbeRun> {
  const begunMs = deps.clock.now();
  const walked = await walk(deps, walks, mailbox, before, log);
  const { phases, ...more } = walked;
  return makeRun({
    mailbox,
    at: new Date(begunMs).toISOString(),
    ms: Math.max(0, Math.round(deps.clock.now() - begunMs)),
    phases: canary ? [...phases, canary] : phases,
    ...(before?.offered ? { offered: before.offered } : {}),
    ...more,
  });
}

type Walked = Pick<ProbeRun, 'phases' | 'credential' | 'offered' | 'transcript'>;

async function walk(
  deps: ProbeMailboxDeps,
  walks: RoundWalks,
  mailbox: string,
  before: ProbeRun | undefined,
  log: Log,
): Promise<Walked> {
  const sender = senderOfMailbox(deps.senders, mailbox);
  const settings = settingsPhase(deps, sender);
  // In a sandbox nothing proves itself to anybody, and nothing is sent.
  if (!sender || deps.mode === 'sandbox') return { phases: [settings] };
  const { phases: proof, token, credential } = await walks.credentials(sender, log);
  let phases = [settings, ...proof];
  const known = credential ? { credential } : {};
  if (!token) {
    const failed = proof.find(({ ok }) => ok === false)?.phase ?? 'token';
    return { phases: [...phases, ...unreached(phases, `${failed} failed`)], ...known };
  }
  const dns = await walks.server.resolve();
  phases = [...phases, dns];
  if (dns.ok === false) return { phases: [...phases, ...unreached(phases, 'dns failed')], ...known };
  const taken = await takeSlot(deps, sender, mailbox, before, log);
  if (typeof taken === 'string') return { phases: [...phases, ...unreached(phases, taken)], ...known };
  const found = await converse(deps, walks.server, mailbox, token.token, before, taken, log);
  const told = withCandidates([...phases, ...found.phases], found.facts, sender, mailbox, token.claims);
  return {
    phases: [...told, ...unreached(told, `${told.at(-1)?.phase} failed`)],
    transcript: found.transcript,
    ...(found.capabilities ? { offered: found.capabilities } : {}),
    ...known,
  };
}

function settingsPhase(deps: ProbeMailboxDeps, sender: Sender | undefined): PhaseResult {
  const settled = { phase: 'settings', ms: 0 } as const;
  if (!sender) return { ...settled, ok: false, code: 'sender_not_allowed', detail: 'no sender has this mailbox' };
  const { kind } = sender.credential;
  const name = 'name' in sender.credential && sender.credential.name !== '' ? ` ${sender.credential.name}` : '';
  const what =
    deps.mode === 'sandbox'
      ? 'mode sandbox: nothing is submitted, so nothing else is asked'
      : `app ${sender.clientId} with ${kind}${name}; ${deps.endpoint.host}:${deps.endpoint.port}; mode ${deps.mode}`;
  const problems = deps.settingProblems.join('; ');
  return problems === ''
    ? { ...settled, ok: true, detail: what }
    : { ...settled, ok: true, code: 'settings_invalid', detail: `${what}; ${problems}` };
}

/** A connection of the mailbox, or the reason why there is none. */
async function takeSlot(
  deps: ProbeMailboxDeps,
  sender: Sender,
  mailbox: string,
  before: ProbeRun | undefined,
  log: Log,
): Promise<ConnectionSlot | string> {
  const { connections } = sender.limits;
  try {
    let slot = await deps.slots.acquire(mailbox, connections);
    if (slot) return slot;
    if (await hasSentSince(deps, mailbox, before))
      return `all ${connections} connections are busy with mail that goes through`;
    log('info', { event: 'probe.waiting', mailbox, phase: 'tcp', detail: `all ${connections} connections are busy` });
    await deps.pacer.wantSlot({ mailbox, limits: sender.limits }, false);
    for (let tries = 0; tries < SLOT_TRIES; tries++) {
      await deps.clock.sleep(SLOT_PAUSE_MS);
      // Any will do: another than the one asked for may come free first.
      slot = await deps.slots.acquire(mailbox, connections);
      if (slot) return slot;
    }
    return `all ${connections} connections are busy, and none came free`;
  } catch (error) {
    if (!(error instanceof ServiceFailure)) throw error;
    logTrouble(log, 'take a connection', error, mailbox);
    return 'storage does not answer, and it says who may connect';
  }
}

async function hasSentSince(deps: ProbeMailboxDeps, mailbox: string, before: ProbeRun | undefined): Promise<boolean> {
  const sinceMs = before ? Date.parse(before.at) : deps.clock.now() - RECENT_MS;
  const { records } = await deps.store.list({ mailbox, status: 'sent', limit: 1 });
  return records.some(({ finalAtMs }) => (finalAtMs ?? 0) > sinceMs);
}

async function converse(
  deps: ProbeMailboxDeps,
  server: ServerWalk,
  mailbox: string,
  token: string,
  before: ProbeRun | undefined,
  slot: ConnectionSlot,
  log: Log,
): Promise<SmtpFindings> {
  try {
    const shutOffBy = await shutOffCode(deps, mailbox, before, log);
    return await server.converse({
      mailbox,
      token,
      capabilitiesBefore: before?.offered,
      ...(shutOffBy === undefined ? {} : { shutOffBy }),
    });
  } finally {
    await slot.release();
  }
}

/**
 * The code of a shut-off that only time ends, where MAIL would prolong it. The breaker is asked only where the last run met
 * the shut-off: what MAIL is accepted for is not shut off, and asking costs a call.
 */
async function shutOffCode(
  deps: ProbeMailboxDeps,
  mailbox: string,
  before: ProbeRun | undefined,
  log: Log,
): Promise<string | undefined> {
  const code = before?.phases.find(({ phase }) => phase === 'envelope')?.code;
  if (code === undefined || findEntry(code)?.breaker !== 'timeOnly') return undefined;
  const breaker = await attempt(deps.pacer.breakerOf(mailbox), log, 'read the breaker', mailbox);
  return breaker !== undefined && breaker.state !== 'closed' && breaker.timeOnly ? breaker.code : undefined;
}
