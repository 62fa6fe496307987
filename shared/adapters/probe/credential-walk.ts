import type { Log } from '../../domain/ports.ts';
import {
  isWorthConfirming,
  notReached,
  type PhaseOutcome,
  phaseOfStage,
  phaseResult,
} from '../../domain/probe-phase.ts';
import type { CredentialFindings, CredentialWalk } from '../../domain/probe-ports.ts';
import type { PhaseResult, ProbedCredential, ProbePhase } from '../../domain/probe-run.ts';
import type { Sender } from '../../domain/sender.ts';
import type { SureCredential } from '../azure-credential.ts';
import type { VaultConfig } from '../key-vault/vault-call.ts';
import { confirmed, withFirst } from './confirmed.ts';
import { identityPhase, vaultResource } from './identity-phase.ts';
import { type EntraConfig, federationAudience, type ProbeToken, tokenPhase } from './token-phase.ts';
import { type FreshVault, freshVault, vaultPhase } from './vault-phase.ts';

interface CredentialWalkDeps {
  readonly vault: Omit<VaultConfig, 'credential'>;
  readonly entra: EntraConfig;
  /** Between a network failure and the try that confirms it. */
  pause(): Promise<void>;
}

type Identity = PhaseOutcome<SureCredential>;

/** `identity`, `vault` and `token` of one round: each identity, each credential and each app registration once. */
export function credentialWalk(deps: CredentialWalkDeps): CredentialWalk {
  const identities = new Map<string, Promise<Identity>>();
  const vaults = new Map<SureCredential, FreshVault>();
  const walks = new Map<string, Promise<CredentialFindings>>();

  function identityFor(clientId: string | undefined, resource: string): Promise<Identity> {
    return once(identities, JSON.stringify([clientId, resource]), () =>
      confirmed(deps, () => identityPhase(clientId, resource)),
    );
  }

  function open(identity: SureCredential): FreshVault {
    const opened = vaults.get(identity) ?? freshVault(deps.vault, identity);
    vaults.set(identity, opened);
    return opened;
  }

  async function walk(sender: Sender, log: Log): Promise<CredentialFindings> {
    const { credential } = sender;
    if (credential.kind === 'managedIdentity') {
      const clientId = credential.clientId ?? deps.vault.clientId;
      const identity = await identityFor(clientId, federationAudience(deps.entra));
      if (!identity.ok) return findings([['identity', identity]], ['token']);
      const means = { identity: identity.value };
      const token = await confirmed(deps, () => tokenPhase(deps.entra, means, sender, log));
      return findings(
        [
          ['identity', identity],
          ['token', token],
        ],
        [],
        { kind: 'managedIdentity' },
        token,
      );
    }
    const identity = await identityFor(deps.vault.clientId, vaultResource(deps.vault.url));
    if (!identity.ok) return findings([['identity', identity]], ['vault', 'token']);
    let opened = open(identity.value);
    let vault = await vaultPhase(opened, credential, log);
    if (!vault.ok && isWorthConfirming(vault.facts)) {
      await deps.pause();
      // What was read is remembered, a failure too: the second try opens the vault anew.
      opened = freshVault(deps.vault, identity.value);
      vaults.set(identity.value, opened);
      vault = withFirst(vault, await vaultPhase(opened, credential, log));
    }
    if (!vault.ok)
      return findings(
        [
          ['identity', identity],
          ['vault', vault],
        ],
        ['token'],
      );
    const means = { vault: opened.vault };
    const token = await confirmed(deps, () => tokenPhase(deps.entra, means, sender, log));
    // Where Entra refused the newest version, the one that it took is in use.
    const version = token.ok ? token.value.certificateVersion : undefined;
    const used =
      version === undefined || version === vault.value.version
        ? vault.value
        : await olderOne(opened, vault.value, version, log);
    return findings(
      [
        ['identity', identity],
        ['vault', vault],
        ['token', token],
      ],
      [],
      used,
      token,
    );
  }

  return (sender, log) => {
    const { tenantId, clientId, credential, authorization } = sender;
    return once(walks, JSON.stringify([tenantId, clientId, credential, authorization]), () => walk(sender, log));
  };
}

async function olderOne(
  opened: FreshVault,
  newest: ProbedCredential,
  version: string,
  log: Log,
): Promise<ProbedCredential> {
  const avoid = new Map(newest.version === undefined ? [] : [[newest.version, '']]);
  const found = await opened.vault.certificate(newest.name ?? '', { force: false, avoid }, log).catch(() => undefined);
  const { expiresAt: _newest, ...rest } = newest;
  return found?.version === version
    ? { ...rest, version, expiresAt: new Date(found.notAfterMs).toISOString() }
    : { ...rest, version };
}

function findings(
  walked: readonly (readonly [ProbePhase, PhaseOutcome<unknown>])[],
  left: readonly ProbePhase[],
  credential?: ProbedCredential,
  token?: PhaseOutcome<ProbeToken>,
): CredentialFindings {
  const failed = walked.find(([, outcome]) => !outcome.ok);
  const shown = walked.map(([phase, outcome]) => phaseResult(phase, outcome));
  const name = failed?.[1].ok === false ? stageOf(failed[0], failed[1].facts.stage, shown) : undefined;
  const phases = failed && name !== undefined && name !== failed[0] ? moved(shown, failed[0], name) : shown;
  return {
    phases: [...phases, ...left.map(phase => notReached(phase, `not asked: ${name} failed`))],
    ...(credential === undefined ? {} : { credential }),
    ...(token?.ok ? { token: token.value } : {}),
  };
}

/** A token request can fail at the vault, which signs for it: then the failure is the vault's. */
function stageOf(
  walked: ProbePhase,
  stage: Parameters<typeof phaseOfStage>[0],
  shown: readonly PhaseResult[],
): ProbePhase {
  const own = phaseOfStage(stage);
  return shown.some(({ phase }) => phase === own) ? own : walked;
}

function moved(shown: readonly PhaseResult[], from: ProbePhase, to: ProbePhase): PhaseResult[] {
  const failed = shown.find(({ phase }) => phase === from);
  return shown
    .filter(({ phase }) => phase !== from)
    .flatMap(result => {
      if (result.phase !== to || !failed) return [result];
      return [{ ...failed, phase: to, ms: result.ms + failed.ms }, notReached(from, `not asked: ${to} failed`)];
    });
}

function once<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const found = known.get(key) ?? make();
  known.set(key, found);
  return found;
}
