import type { CatalogueEntry } from './diagnosis.ts';
import { sources } from './sources.ts';

const showVersions =
  '`az keyvault certificate list-versions --vault-name <vault> --name <certificate> --query "[].{version:id, enabled:attributes.enabled, from:attributes.notBefore, to:attributes.expires}" -o table`';
const uploadPublicPart =
  '`az keyvault certificate download --vault-name <vault> --name <certificate> --file exosend.pem --encoding PEM`, then `az ad app credential reset --id <appId> --cert @exosend.pem --append`';

/** What the vault holds: certificates, keys and secrets that are missing, switched off, expired or of the wrong kind. */
export const keyVaultContent = [
  {
    code: 'vault_item_not_found',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'vault',
    title: 'The vault holds nothing of that name',
    cause:
      'The vault answered 404: no certificate or secret has the name in MAIL_CERTIFICATE_NAME, `credential.name` or a `secretName` setting. It may have been deleted and still be recoverable, or stand in another vault.',
    remedy:
      'List what is there: `az keyvault certificate list --vault-name <vault> --query "[].name"` and `az keyvault secret list --vault-name <vault> --query "[].name"`. Recover: `az keyvault certificate recover --vault-name <vault> --name <certificate>`. Make a new one: `az keyvault certificate create --vault-name <vault> --name <certificate> --policy "$(az keyvault certificate get-default-policy)"`, then upload its public part to the app registration.',
    source: sources.vaultErrors,
    matches: [
      { stages: ['vault'], httpStatuses: [404] },
      { errorCodes: ['CertificateNotFound', 'SecretNotFound', 'KeyNotFound'] },
      { textPattern: /(?:certificate|secret|key) with \(name\/id\) \S{1,200} was not found in this key vault/i },
    ],
    samples: [
      'RestError: A certificate with (name/id) mail-certificate was not found in this key vault. If you recently deleted this certificate you may be able to recover it using the correct recovery command. { "statusCode": 404, "code": "CertificateNotFound" }',
      'A secret with (name/id) mail-certificate was not found in this key vault.',
    ],
  },
  {
    code: 'vault_version_disabled',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'vault',
    title: 'The version in the vault is switched off',
    cause:
      'Key Vault answers 403 for a version whose “Enabled” is off. With no other usable version the app has no credential.',
    remedy: `Look at all versions: ${showVersions}. Switch one on: \`az keyvault certificate set-attributes --vault-name <vault> --name <certificate> --version <version> --enabled true\`; for a secret \`az keyvault secret set-attributes --vault-name <vault> --name <secret> --enabled true\`.`,
    source: sources.vaultErrors,
    matches: [
      { errorCodes: ['SecretDisabled', 'CertificateDisabled', 'KeyDisabled'] },
      { textPattern: /operation \w{1,20} is not allowed on a disabled (?:secret|key|certificate)/i },
    ],
    samples: [
      'RestError: Operation get is not allowed on a disabled secret. { "statusCode": 403, "code": "Forbidden", "innererror": { "code": "SecretDisabled" } }',
    ],
  },
  {
    code: 'vault_certificate_expired',
    class: 'authentication',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'No version of the certificate is valid today',
    cause:
      'All enabled versions of the certificate are past their end, or none has begun. Entra ID would refuse an assertion signed with it.',
    remedy: `See the dates: ${showVersions}. Make a new version: \`az keyvault certificate create --vault-name <vault> --name <certificate> --policy "$(az keyvault certificate show --vault-name <vault> --name <certificate> --query policy)"\`. Then upload its public part: ${uploadPublicPart}.`,
    source: sources.vaultCertificates,
    matches: [
      { errorCodes: ['certificate_expired', 'certificate_not_yet_valid', 'KeyExpired', 'KeyNotYetValid'] },
      {
        textPattern:
          /operation \w{1,20} is not (?:allowed|permitted) on an? (?:expired|not yet valid) (?:key|secret|certificate)/i,
      },
    ],
    samples: [
      '{"event":"vault.read","phase":"vault","code":"vault_certificate_expired","mailbox":"billing@contoso.com"}',
      'RestError: Operation sign is not allowed on an expired key. { "innererror": { "code": "KeyExpired" } }',
    ],
  },
  {
    code: 'vault_no_private_key',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'The certificate comes without its private key',
    cause:
      'The certificate’s policy says that the key is not exportable, or only the public part was imported. Then the secret of the same name holds certificates and no key, and nothing can be signed with it.',
    remedy:
      'Either let Key Vault sign: `"credential":{"kind":"certificate","name":"<certificate>","sign":"vault"}` in `MAIL_SENDERS` with the role "Key Vault Crypto User", or make a version whose key is exportable: policy `keyProperties.exportable: true`, `az keyvault certificate create --vault-name <vault> --name <certificate> --policy "$(az keyvault certificate get-default-policy)"`. Show the policy: `az keyvault certificate show --vault-name <vault> --name <certificate> --query policy.keyProperties`.',
    source: sources.vaultCertificates,
    matches: [
      { errorCodes: ['certificate_no_private_key'] },
      { textPattern: /no private key|private key is not exportable|key is not exportable/i },
    ],
    samples: ['{"event":"vault.read","phase":"vault","code":"vault_no_private_key","mailbox":"billing@contoso.com"}'],
  },
  {
    code: 'vault_key_unsuitable',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'The key is of a kind that cannot be used here',
    cause:
      'The client assertion is signed with PS256, which needs an RSA key of at least 2048 bits. The certificate has an elliptic-curve key or a shorter one, or its key may not be used to sign.',
    remedy:
      'Make a version with an RSA key: policy `keyProperties: {keyType: RSA, keySize: 3072}` and key usage digitalSignature, then `az keyvault certificate create --vault-name <vault> --name <certificate> --policy "$(az keyvault certificate get-default-policy)"` and upload its public part to the app registration.',
    source: 'https://learn.microsoft.com/entra/identity-platform/certificate-credentials',
    matches: [
      { errorCodes: ['certificate_key_unsuitable'] },
      {
        textPattern:
          /operation sign is not permitted on this key|key type is not supported|algorithm is not supported by key/i,
      },
    ],
    samples: ['{"event":"vault.read","phase":"vault","code":"vault_key_unsuitable","mailbox":"billing@contoso.com"}'],
  },
  {
    code: 'vault_content_unreadable',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'The vault’s value is not what the setting promises',
    cause:
      'The value was read and makes no sense: not PEM, not PKCS #12, a PKCS #12 file with a password, or a secret where a certificate was expected. A literal “@Microsoft.KeyVault(…)” is a reference that was never resolved.',
    remedy:
      'Keep the certificate as a Key Vault certificate, not as a secret pasted by hand: `az keyvault certificate import --vault-name <vault> --name <certificate> --file <file.pfx> --password <password>`. Do not use a Key Vault reference for it; the app reads the vault itself.',
    source: sources.vaultCertificates,
    matches: [
      { errorCodes: ['certificate_unreadable'] },
      { textPattern: /@Microsoft\.KeyVault\(|PKCS#?12 MAC could not be verified|DECODER routines::unsupported/i },
    ],
    samples: [
      '{"event":"vault.read","phase":"vault","code":"vault_content_unreadable","mailbox":"billing@contoso.com"}',
      'Error: error:1E08010C:DECODER routines::unsupported',
    ],
  },
] as const satisfies readonly CatalogueEntry[];
