import type { CredentialVault } from '../../domain/credential-ports.ts';
import type { Log } from '../../domain/ports.ts';
import { type PhaseOutcome, runPhase } from '../../domain/probe-phase.ts';
import { claimsOf, mixesModes, type TokenClaims } from '../../domain/probe-token.ts';
import type { Sender } from '../../domain/sender.ts';
import type { SureCredential } from '../azure-credential.ts';
import { type AccessToken, acquireToken, type TokenRequest } from '../entra/acquire-token.ts';
import { byCertificate } from '../entra/by-certificate.ts';
import { refusedVersions } from '../entra/refused-versions.ts';
import { exchangeAudience } from '../entra/token-source.ts';

export interface EntraConfig {
  readonly authorityHost: string;
  readonly scope: string;
}

/** What proves the app to Entra: the vault with its credential, or the identity itself where it is federated. */
interface TokenMeans {
  readonly vault?: CredentialVault;
  readonly identity?: SureCredential;
}

export interface ProbeToken {
  /** Never in a detail, a log or a transcript. */
  readonly token: string;
  readonly claims: TokenClaims | undefined;
  /** Version of the certificate that Entra took. */
  readonly certificateVersion?: string;
}

/**
 * Phase `token`: a new token for Exchange from a new client, by any of the four kinds of credential. A version of the
 * certificate that Entra refuses is passed over for an older one, as in delivery, and the phase then carries the refusal's code
 * as a warning; so it does for a sender that mixes App RBAC with the claim.
 *
 * Failures of stage `vault` (signing there) or `identity` belong to these phases.
 */
export function tokenPhase(
  entra: EntraConfig,
  means: TokenMeans,
  sender: Sender,
  log: Log,
): Promise<PhaseOutcome<ProbeToken>> {
  return runPhase('token', async () => {
    const { tenantId, clientId } = sender;
    const app = { ...entra, tenantId, clientId };
    const { token, certificateVersion, warning } = await acquire(app, means, sender, log);
    const claims = claimsOf(token.token);
    const isMixed = claims !== undefined && mixesModes(sender, claims);
    return {
      value: { token: token.token, claims, ...(certificateVersion === undefined ? {} : { certificateVersion }) },
      detail: [
        describe(claims, token),
        ...(warning ? [warning.text] : []),
        ...(isMixed
          ? ['the sender states App RBAC, yet the token carries SMTP.SendAsApp: Microsoft asks not to mix them']
          : []),
      ].join('; '),
      code: warning?.code ?? (isMixed ? 'entra_modes_mixed' : undefined),
    };
  });
}

/** The audience of the identity's token that stands in for a secret, by cloud. */
export const federationAudience = (entra: EntraConfig): string => exchangeAudience(entra.authorityHost);

interface Acquired {
  readonly token: AccessToken;
  readonly certificateVersion?: string;
  readonly warning?: { readonly code?: string | undefined; readonly text: string };
}

async function acquire(
  app: Omit<TokenRequest, 'proof'>,
  { vault, identity }: TokenMeans,
  { credential }: Sender,
  log: Log,
): Promise<Acquired> {
  if (credential.kind === 'managedIdentity') {
    if (!identity) throw new Error('a federated credential needs the identity');
    const { token: assertion } = await identity.getToken(`${exchangeAudience(app.authorityHost)}/.default`);
    return { token: await acquireToken({ ...app, proof: { kind: 'assertion', assertion } }) };
  }
  if (!vault) throw new Error(`a credential of kind ${credential.kind} needs the vault`);
  if (credential.kind === 'secret') {
    const secret = (await vault.secret(credential.name)).value;
    return { token: await acquireToken({ ...app, proof: { kind: 'secret', secret } }) };
  }
  const now = () => Date.now();
  const { token, certificate } = await byCertificate({ vault, now }, app, credential, refusedVersions(now), log);
  const { version: certificateVersion, standsInFor } = certificate;
  if (standsInFor?.reason !== 'refused') return { token, certificateVersion };
  const text = `Entra refuses version ${standsInFor.version} of ${credential.name} and took ${certificateVersion}`;
  return { token, certificateVersion, warning: { code: standsInFor.code, text } };
}

function describe(claims: TokenClaims | undefined, token: AccessToken): string {
  const seconds = Math.round(((claims?.expiresAtMs ?? token.expiresAtMs) - Date.now()) / 1000);
  if (!claims) return `HTTP 200; the token cannot be read; ${seconds} s left`;
  const roles = claims.roles.length > 0 ? claims.roles.join(' ') : 'none (as App RBAC has it)';
  return `HTTP 200; aud ${claims.audience}; appid ${claims.appId}; roles ${roles}; ${seconds} s left`;
}
