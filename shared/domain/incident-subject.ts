import { findEntry } from './diagnosis/catalogue.ts';
import type { CatalogueEntry } from './diagnosis/diagnosis.ts';
import type { ProbePhase } from './probe-run.ts';
import type { Sender } from './sender.ts';

/**
 * What a cause hits: the way to the vault (identity, Key Vault), the app registration and its credential (token), one
 * mailbox (DNS to envelope), or the real mail of the canary.
 */
export type CauseKind = 'vault' | 'app' | 'mailbox' | 'canary';

/** Which mailboxes stand behind which vault and which app, so that a fault they share is one incident. */
export interface Subjects {
  /** Key of what a cause of this kind hits, when it was seen at this mailbox. */
  keyOf(mailbox: string, kind: CauseKind): string;
  /** The mailboxes behind a key, as configured; empty for one that the settings no longer know. */
  mailboxesOf(key: string): readonly string[];
  readonly mailboxes: readonly string[];
}

/**
 * Reads the groups out of the settings. Where only one mailbox stands behind a vault or an app, the mailbox itself is
 * the subject: then a fault that moves from the token to the mailbox is a change of cause and not a second incident.
 */
export function subjectsOf(senders: readonly Sender[]): Subjects {
  const groups = new Map<string, string[]>();
  const keys = new Map<string, { vault?: string; app: string }>();
  for (const sender of senders) {
    const { tenantId, clientId, credential } = sender;
    const app =
      `app:${tenantId}/${clientId}/${credential.kind === 'managedIdentity' ? '' : credential.name}`.toLowerCase();
    const usesVault = credential.kind !== 'managedIdentity';
    for (const mailbox of sender.mailboxes) {
      const lower = mailbox.toLowerCase();
      keys.set(lower, { app, ...(usesVault ? { vault: 'vault' } : {}) });
      for (const key of [app, ...(usesVault ? ['vault'] : []), `mailbox:${lower}`, `canary:${lower}`]) {
        const members = groups.get(key) ?? [];
        if (!members.includes(mailbox)) groups.set(key, [...members, mailbox]);
      }
    }
  }
  return {
    mailboxes: [...keys.keys()].map(lower => groups.get(`mailbox:${lower}`)?.[0] ?? lower),
    mailboxesOf: key => groups.get(key) ?? [],
    keyOf(mailbox, kind) {
      const lower = mailbox.toLowerCase();
      if (kind === 'canary') return `canary:${lower}`;
      const own = keys.get(lower);
      const shared = kind === 'vault' ? (own?.vault ?? own?.app) : kind === 'app' ? own?.app : undefined;
      return shared !== undefined && (groups.get(shared)?.length ?? 0) > 1 ? shared : `mailbox:${lower}`;
    },
  };
}

/** Faults of one certificate or secret, seen at the vault: they hit the app that uses it and not the whole vault. */
const OF_ONE_ITEM: ReadonlySet<string> = new Set(['vault_item_not_found', 'vault_version_disabled']);

/** What a failure hits, from its code; from the phase where the code is unknown or says nothing about it. */
export function causeKind(code: string, phase?: ProbePhase): CauseKind {
  const entry = findEntry(code);
  if (phase === 'canary') return 'canary';
  if (code.startsWith('entra_') || OF_ONE_ITEM.has(code)) return 'app';
  if (code.startsWith('identity_') || entry?.scope === 'vault') return 'vault';
  if (entry?.scope === 'app' && code !== 'settings_invalid') return phase === 'identity' ? 'vault' : 'app';
  if (phase === 'identity' || phase === 'vault') return 'vault';
  return phase === 'token' ? 'app' : 'mailbox';
}

/** Expired by the clock: no second look is needed to be sure. */
const EXPIRED: ReadonlySet<string> = new Set([
  'vault_certificate_expired',
  'entra_certificate_expired',
  'entra_secret_expired',
]);

/** Failed runs in a row that open an incident of this cause. Everything that time alone may mend waits for a third. */
export function failuresToOpen(code: string): 1 | 2 | 3 {
  if (EXPIRED.has(code)) return 1;
  return isFirm(findEntry(code)) ? 2 : 3;
}

/** Needs a person: the class says that trying again gives the same answer. */
function isFirm(entry: CatalogueEntry | undefined): boolean {
  return entry?.class === 'authentication' || entry?.class === 'configuration' || entry?.class === 'blocked';
}
