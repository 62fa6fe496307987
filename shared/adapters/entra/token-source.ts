import type { CredentialVault, FederatedToken, TokenSource } from '../../domain/credential-ports.ts';
import { diagnose } from '../../domain/diagnosis/diagnose.ts';
import { ServiceFailure } from '../../domain/failure.ts';
import type { Log } from '../../domain/ports.ts';
import type { Sender } from '../../domain/sender.ts';
import { type AccessToken, acquireToken } from './acquire-token.ts';
import { byCertificate } from './by-certificate.ts';
import type { CredentialStates } from './credential-states.ts';
import { refusedVersions } from './refused-versions.ts';
import { tokenCycle } from './token-cycle.ts';

export interface EntraDeps {
  readonly authorityHost: string;
  readonly scope: string;
  readonly vault: CredentialVault;
  readonly federatedToken: FederatedToken;
  readonly states: CredentialStates;
  readonly now: () => number;
}

/** Tokens for Exchange Online, one cycle per tenant, app and credential, for all four kinds of credential. */
export function tokenSource(deps: EntraDeps): TokenSource {
  const cycles = new Map<string, ReturnType<typeof tokenCycle>>();
  return (sender, options, log) => {
    const key = JSON.stringify([sender.tenantId, sender.clientId, sender.credential]);
    let cycle = cycles.get(key);
    if (!cycle) {
      cycle = tokenCycle(acquirer(deps, sender), deps.now);
      cycles.set(key, cycle);
    }
    return cycle(options, log);
  };
}

/** Obtains new tokens for one sender, and remembers which versions of its certificate Entra has refused. */
function acquirer(deps: EntraDeps, sender: Sender): (log: Log) => Promise<AccessToken> {
  const memory: Memory = { refused: refusedVersions(deps.now) };
  return async log => {
    const begun = performance.now();
    const { token, certificateVersion } = await acquire(deps, sender, memory, log);
    log('info', {
      event: 'token.acquired',
      phase: 'token',
      ms: Math.round(performance.now() - begun),
      secondsLeft: Math.round((token.expiresAtMs - deps.now()) / 1000),
      ...(certificateVersion === undefined ? {} : { certificateVersion }),
    });
    return token;
  };
}

interface Memory {
  readonly refused: ReturnType<typeof refusedVersions>;
  /** The client secret as read last, for as long as the vault is away. */
  secret?: string;
}

async function acquire(
  deps: EntraDeps,
  sender: Sender,
  memory: Memory,
  log: Log,
): Promise<{ readonly token: AccessToken; readonly certificateVersion?: string }> {
  const { credential, tenantId, clientId } = sender;
  const request = { authorityHost: deps.authorityHost, scope: deps.scope, tenantId, clientId };
  switch (credential.kind) {
    case 'secret': {
      const secret = await readSecret(deps.vault, credential.name, memory);
      return { token: await acquireToken({ ...request, proof: { kind: 'secret', secret } }) };
    }
    case 'managedIdentity': {
      const assertion = await deps.federatedToken(credential.clientId, exchangeAudience(deps.authorityHost));
      return { token: await acquireToken({ ...request, proof: { kind: 'assertion', assertion } }) };
    }
    case 'certificate': {
      const { token, certificate } = await byCertificate(deps, request, credential, memory.refused, log);
      deps.states.note(credential.name, request, certificate, log);
      return { token, certificateVersion: certificate.version };
    }
  }
}

/** Read anew for each token; only a fault that passes by itself lets the last one serve, never a refusal. */
async function readSecret(vault: CredentialVault, name: string, memory: Memory): Promise<string> {
  try {
    memory.secret = (await vault.secret(name)).value;
    return memory.secret;
  } catch (error) {
    const kind = error instanceof ServiceFailure ? diagnose(error.facts).entry.class : undefined;
    if (memory.secret === undefined || (kind !== 'transient' && kind !== 'throttled')) throw error;
    return memory.secret;
  }
}

/** The audience of a federated identity credential differs by cloud (Microsoft, "Workload identity federation"). */
export function exchangeAudience(authorityHost: string): string {
  if (authorityHost.includes('microsoftonline.us')) return 'api://AzureADTokenExchangeUSGov';
  if (/microsoftonline\.cn|chinacloudapi\.cn/.test(authorityHost)) return 'api://AzureADTokenExchangeChina';
  return 'api://AzureADTokenExchange';
}
