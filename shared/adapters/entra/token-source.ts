import type { AppCertificate, CredentialVault, FederatedToken, TokenSource } from '../../domain/credential-ports.ts';
import { ServiceFailure } from '../../domain/failure.ts';
import type { Log } from '../../domain/ports.ts';
import type { Sender } from '../../domain/sender.ts';
import { type AccessToken, acquireToken, buildAssertion, type Proof } from './acquire-token.ts';
import { tokenCycle } from './token-cycle.ts';

export interface EntraDeps {
  readonly authorityHost: string;
  readonly scope: string;
  readonly vault: CredentialVault;
  readonly federatedToken: FederatedToken;
  readonly now: () => number;
}

/** Tokens for Exchange Online, one cycle per tenant, app and credential, for all four kinds of credential. */
export function tokenSource(deps: EntraDeps): TokenSource {
  const cycles = new Map<string, ReturnType<typeof tokenCycle>>();
  return (sender, options, log) => {
    const key = JSON.stringify([sender.tenantId, sender.clientId, sender.credential]);
    let cycle = cycles.get(key);
    if (!cycle) {
      cycle = tokenCycle(cycleLog => acquireFor(deps, sender, cycleLog), deps.now);
      cycles.set(key, cycle);
    }
    return cycle(options, log);
  };
}

/** One new token for a sender. A certificate that Entra refuses is read anew once: it may have been rotated. */
export async function acquireFor(deps: EntraDeps, sender: Sender, log: Log): Promise<AccessToken> {
  const begun = performance.now();
  const request = {
    authorityHost: deps.authorityHost,
    scope: deps.scope,
    tenantId: sender.tenantId,
    clientId: sender.clientId,
  };
  let { proof, certificateVersion } = await proofFor(deps, sender, false, log);
  let token: AccessToken;
  try {
    token = await acquireToken({ ...request, proof });
  } catch (error) {
    if (certificateVersion === undefined || !isRefusedCertificate(error)) throw error;
    const before = certificateVersion;
    ({ proof, certificateVersion } = await proofFor(deps, sender, true, log));
    if (certificateVersion === before) throw error;
    token = await acquireToken({ ...request, proof });
  }
  log('info', {
    event: 'token.acquired',
    phase: 'token',
    ms: Math.round(performance.now() - begun),
    secondsLeft: Math.round((token.expiresAtMs - deps.now()) / 1000),
    ...(certificateVersion === undefined ? {} : { certificateVersion }),
  });
  return token;
}

interface SenderProof {
  readonly proof: Proof;
  readonly certificateVersion?: string;
}

async function proofFor(deps: EntraDeps, sender: Sender, force: boolean, log: Log): Promise<SenderProof> {
  const { credential } = sender;
  switch (credential.kind) {
    case 'secret':
      return { proof: { kind: 'secret', secret: (await deps.vault.secret(credential.name)).value } };
    case 'managedIdentity': {
      const assertion = await deps.federatedToken(credential.clientId, exchangeAudience(deps.authorityHost));
      return { proof: { kind: 'assertion', assertion } };
    }
    case 'certificate': {
      const certificate = await deps.vault.certificate(credential.name, { force }, log);
      const proof =
        credential.sign === 'vault'
          ? await vaultProof(deps, sender, certificate)
          : localProof(credential.name, certificate);
      return { proof, certificateVersion: certificate.version };
    }
  }
}

function isRefusedCertificate(error: unknown): boolean {
  return (
    error instanceof ServiceFailure &&
    error.facts.stage === 'token' &&
    /^AADSTS(700027|700030|50012|700024)$/.test(error.facts.errorCode ?? '')
  );
}

function localProof(name: string, certificate: AppCertificate): Proof {
  if (!certificate.key) {
    throw new ServiceFailure(`Key Vault: the private key of ${name} may not leave the vault`, {
      stage: 'vault',
      errorCode: 'vault_no_private_key',
      text: `the secret of ${name} holds no private key; set "sign":"vault" or make the key exportable`,
    });
  }
  return {
    kind: 'certificate',
    thumbprintSha256: certificate.thumbprintSha256,
    privateKeyPem: certificate.key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    chainPem: certificate.chainPem,
  };
}

async function vaultProof(deps: EntraDeps, sender: Sender, certificate: AppCertificate): Promise<Proof> {
  const { keyId } = certificate;
  if (keyId === undefined) {
    throw new ServiceFailure('Key Vault: the certificate has no key in the vault', {
      stage: 'vault',
      errorCode: 'vault_no_private_key',
      text: 'the secret names no key',
    });
  }
  const audience = `${deps.authorityHost.replace(/\/+$/, '')}/${sender.tenantId}/oauth2/v2.0/token`;
  const sign = (digest: Uint8Array) => deps.vault.sign(keyId, digest);
  return {
    kind: 'assertion',
    assertion: await buildAssertion(audience, sender.clientId, certificate, deps.now(), sign),
  };
}

/** The audience of a federated identity credential differs by cloud (Microsoft, "Workload identity federation"). */
function exchangeAudience(authorityHost: string): string {
  if (authorityHost.includes('microsoftonline.us')) return 'api://AzureADTokenExchangeUSGov';
  if (/microsoftonline\.cn|chinacloudapi\.cn/.test(authorityHost)) return 'api://AzureADTokenExchangeChina';
  return 'api://AzureADTokenExchange';
}
