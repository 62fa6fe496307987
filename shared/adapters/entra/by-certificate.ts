import type { AppCertificate, CredentialVault } from '../../domain/credential-ports.ts';
import { diagnose } from '../../domain/diagnosis/diagnose.ts';
import { ServiceFailure } from '../../domain/failure.ts';
import type { Log } from '../../domain/ports.ts';
import type { CredentialConfig } from '../../domain/sender.ts';
import { type AccessToken, acquireToken, type Proof, type TokenRequest } from './acquire-token.ts';
import { buildAssertion } from './build-assertion.ts';
import type { refusedVersions } from './refused-versions.ts';

type CertificateConfig = CredentialConfig & { readonly kind: 'certificate' };
type App = Omit<TokenRequest, 'proof'>;

/** Versions tried for one token: each costs a request, and callers are waiting. */
const MAX_TRIES = 3;
/** Refusals of the certificate, not of the app or the moment: unknown or expired there (700027), not trusted (700030, 50012). */
const REFUSED = /^AADSTS(700027|700030|50012)$/;
/** What the vault says of a key that cannot sign; another version's may. */
const UNUSABLE = new Set(['vault_version_disabled', 'vault_certificate_expired', 'vault_key_unsuitable']);

/**
 * A token by the newest version of a certificate, or, where Entra refuses that, by the newest that it takes. Key Vault
 * renews on its own and tells nobody; the app registration learns of it later, and mail should not wait for that.
 *
 * Throws the first refusal when no version is taken.
 */
export async function byCertificate(
  deps: { readonly vault: CredentialVault; readonly now: () => number },
  app: App,
  credential: CertificateConfig,
  refused: ReturnType<typeof refusedVersions>,
  log: Log,
): Promise<{ readonly token: AccessToken; readonly certificate: AppCertificate }> {
  const tried = new Map<string, string>();
  let failure: unknown;
  for (;;) {
    // After the first refusal the vault is asked anew: the version at hand may be 15 minutes old.
    const options = { force: tried.size === 1, avoid: new Map([...refused.current(), ...tried]) };
    const certificate = await deps.vault.certificate(credential.name, options, log).catch((error: unknown) => {
      throw failure ?? error;
    });
    const { version } = certificate;
    if (tried.has(version) || tried.size >= MAX_TRIES) throw failure;
    try {
      const token = await tokenBy(deps, app, credential, certificate);
      refused.remove(version);
      return { token, certificate };
    } catch (error) {
      const code = codeOfRefusal(error);
      // Entra away, say: that passes, where the refusal before it would have the mail wait for a person.
      if (code === undefined) throw error;
      if (isCertificateRefused(error)) refused.add(version, code);
      tried.set(version, code);
      failure ??= error;
    }
  }
}

/** A token by this certificate and no other. */
export async function tokenBy(
  deps: { readonly vault: Pick<CredentialVault, 'sign'>; readonly now: () => number },
  app: App,
  credential: Pick<CertificateConfig, 'name' | 'sign'>,
  certificate: AppCertificate,
): Promise<AccessToken> {
  const proof =
    credential.sign === 'vault' ? await vaultProof(deps, app, certificate) : localProof(credential.name, certificate);
  return acquireToken({ ...app, proof });
}

/** Whether Entra ID refuses the certificate itself: it does not know it, it has expired, or it is not trusted. */
export function isCertificateRefused(error: unknown): boolean {
  return error instanceof ServiceFailure && error.facts.stage === 'token' && REFUSED.test(error.facts.errorCode ?? '');
}

/** Code of the diagnosis when another version may do better; undefined for all other failures. */
function codeOfRefusal(error: unknown): string | undefined {
  if (!(error instanceof ServiceFailure)) return undefined;
  const { code } = diagnose(error.facts).entry;
  return isCertificateRefused(error) || (error.facts.stage === 'vault' && UNUSABLE.has(code)) ? code : undefined;
}

function localProof(name: string, certificate: AppCertificate): Proof {
  if (!certificate.key) {
    throw noPrivateKey(
      `the private key of ${name} may not leave the vault`,
      `the secret of ${name} holds no private key; set "sign":"vault" or make the key exportable`,
    );
  }
  return {
    kind: 'certificate',
    thumbprintSha256: certificate.thumbprintSha256,
    privateKeyPem: certificate.key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    chainPem: certificate.chainPem,
  };
}

async function vaultProof(
  deps: { readonly vault: Pick<CredentialVault, 'sign'>; readonly now: () => number },
  app: App,
  certificate: AppCertificate,
): Promise<Proof> {
  const { keyId } = certificate;
  if (keyId === undefined) throw noPrivateKey('the certificate has no key in the vault', 'the secret names no key');
  const audience = `${app.authorityHost.replace(/\/+$/, '')}/${app.tenantId}/oauth2/v2.0/token`;
  const sign = (digest: Uint8Array) => deps.vault.sign(keyId, digest);
  return {
    kind: 'assertion',
    assertion: await buildAssertion(audience, app.clientId, certificate, deps.now(), sign),
  };
}

function noPrivateKey(what: string, text: string): ServiceFailure {
  return new ServiceFailure(`Key Vault: ${what}`, { stage: 'vault', errorCode: 'vault_no_private_key', text });
}
