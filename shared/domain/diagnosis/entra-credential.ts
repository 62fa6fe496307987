import type { CatalogueEntry } from './diagnosis.ts';
import { sources } from './sources.ts';

const uploadPublicPart =
  '`az keyvault certificate download --vault-name <vault> --name <certificate> --file exosend.pem --encoding PEM`, then `az ad app credential reset --id <appId> --cert @exosend.pem --append`';
const registered =
  '`az ad app credential list --id <appId> --cert --query "[].{thumbprint:customKeyIdentifier, ends:endDateTime}" -o table`';
const newSecret =
  '`az keyvault secret set --vault-name <vault> --name <secret> --value "$(az ad app credential reset --id <appId> --append --query password -o tsv)"`';

/** Entra ID: the proof that the app is who it says it is, and the policies laid over it. */
export const entraCredential = [
  {
    code: 'entra_certificate_not_registered',
    class: 'authentication',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'Entra ID does not know the certificate (AADSTS700027)',
    cause:
      'The assertion was signed with a key whose public part is not on the app registration: it was never uploaded, or Key Vault has renewed the certificate and the new version was not uploaded.',
    remedy: `Upload the public part: ${uploadPublicPart}. Compare what is registered: ${registered} with \`az keyvault certificate show --vault-name <vault> --name <certificate> --query x509ThumbprintHex -o tsv\`. An upload may still be propagating for some minutes.`,
    source: sources.aadsts,
    matches: [
      { errorCodes: ['AADSTS700027'], textPattern: /key was not found|not registered on application/i },
      // The number alone: most often it is this, and the wrong signature comes next.
      { errorCodes: ['AADSTS700027'] },
    ],
    samples: [
      '{"error":"invalid_client","error_description":"AADSTS700027: The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Thumbprint of key used by client: \'0A1B2C3D4E5F\']","error_codes":[700027]}',
      'ServerError: invalid_client: 700027 - AADSTS700027: Client assertion contains an invalid signature. [Reason - The key was not found.]',
    ],
  },
  {
    code: 'entra_certificate_expired',
    class: 'authentication',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'The certificate on the app registration has expired (AADSTS700027)',
    cause: 'The key that signed the assertion is known to Entra ID, and its certificate’s period has ended.',
    remedy: `Make a new version: \`az keyvault certificate create --vault-name <vault> --name <certificate> --policy "$(az keyvault certificate show --vault-name <vault> --name <certificate> --query policy)"\`, and upload it: ${uploadPublicPart}. Key Vault’s own renewal does not touch the app registration.`,
    source: sources.aadsts,
    matches: [
      {
        errorCodes: ['AADSTS700027', 'AADSTS50012'],
        textPattern: /key used is expired|client assertion is expired|certificate[^.\n]{0,60} expired/i,
      },
    ],
    samples: [
      '{"error":"invalid_client","error_description":"AADSTS700027: Client assertion contains an invalid signature. [Reason - The key used is expired., Thumbprint of key used by client: \'0A1B2C3D4E5F\', Found key \'Start=01/22/2024 09:13:33, End=01/22/2026 09:13:33\']","error_codes":[700027]}',
    ],
  },
  {
    code: 'entra_assertion_signature',
    class: 'authentication',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'Entra ID could not verify the assertion’s signature (AADSTS700027)',
    cause:
      'Certificate and private key do not belong together, or the assertion names another certificate than the one that signed it.',
    remedy: `Compare the thumbprints: \`az keyvault certificate show --vault-name <vault> --name <certificate> --query x509ThumbprintHex -o tsv\` and ${registered}. If they differ: ${uploadPublicPart}.`,
    source: sources.aadsts,
    matches: [
      { errorCodes: ['AADSTS700027'], textPattern: /failed signature validation/i },
      { errorCodes: ['AADSTS700027'] },
      { errorCodes: ['AADSTS50027', 'AADSTS5002723', 'AADSTS700021'] },
    ],
    samples: [
      '{"error":"invalid_client","error_description":"AADSTS700027: Client assertion failed signature validation.","error_codes":[700027]}',
    ],
  },
  {
    code: 'entra_certificate_rejected',
    class: 'authentication',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'The certificate itself is refused (AADSTS50012, AADSTS700030)',
    cause:
      'The certificate is malformed, or its subject is not one that the app registration trusts (trusted issuers and subject names).',
    remedy: `Look at the certificate: \`az keyvault certificate show --vault-name <vault> --name <certificate> --query policy.x509CertificateProperties\`, and at the app registration’s manifest for trusted issuers. Upload it plainly: ${uploadPublicPart}.`,
    source: sources.aadsts,
    matches: [{ errorCodes: ['AADSTS50012', 'AADSTS700030'] }],
    samples: [
      'AADSTS700030: Invalid certificate - subject name in certificate is not authorized.',
      '{"error":"invalid_client","error_description":"AADSTS50012: Authentication failed due to certificate validation error.","error_codes":[50012]}',
    ],
  },
  {
    code: 'entra_clock_skew',
    class: 'authentication',
    retry: 'soon',
    breaker: 'none',
    scope: 'app',
    title: 'The assertion is outside its time range (AADSTS700024)',
    cause:
      'The clock that dated the assertion and Entra ID’s clock differ by minutes, or an assertion was held back too long. In Azure clocks agree; this happens on laptops and in containers that slept.',
    remedy:
      'The next try makes a new assertion. Set the clock: `w32tm /resync` (Windows), `sudo timedatectl set-ntp true` (Linux), `sudo sntp -sS time.apple.com` (macOS). In Azure: `az functionapp restart --name <app> --resource-group <group>`.',
    source: sources.aadsts,
    matches: [{ errorCodes: ['AADSTS700024'] }],
    samples: [
      '{"error":"invalid_client","error_description":"AADSTS700024: Client assertion is not within its valid time range. Current time: 2026-11-20T10:00:00.6223401Z, assertion valid from 2026-11-20T10:12:00.0000000Z, expiry time of assertion 2026-11-20T10:22:00.0000000Z.","error_codes":[700024]}',
    ],
  },
  {
    code: 'entra_secret_invalid',
    class: 'authentication',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'The client secret is wrong (AADSTS7000215)',
    cause:
      'The secret does not belong to this app. Often the secret’s id was stored in place of its value, or the value was cut or padded on the way into Key Vault.',
    remedy: `Make a new one and store it in one step: ${newSecret}. A certificate or a managed identity needs no secret at all.`,
    source: sources.aadsts,
    matches: [
      { errorCodes: ['AADSTS7000215', 'AADSTS7000218'] },
      { errorCodes: ['AADSTS50012'], textPattern: /invalid client secret/i },
    ],
    samples: [
      '{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app \'11111111-1111-1111-1111-111111111111\'.","error_codes":[7000215]}',
    ],
  },
  {
    code: 'entra_secret_expired',
    class: 'authentication',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'The client secret has expired (AADSTS7000222)',
    cause: 'The secret’s period has ended. Entra ID sends no warning before.',
    remedy: `Make a new one and store it in one step: ${newSecret}. See when secrets end: \`az ad app credential list --id <appId> --query "[].{name:displayName, ends:endDateTime}" -o table\`.`,
    source: sources.aadsts,
    matches: [{ errorCodes: ['AADSTS7000222'] }],
    samples: [
      '{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys for app \'11111111-1111-1111-1111-111111111111\' are expired. Visit the Azure portal to create new keys for your app.","error_codes":[7000222]}',
    ],
  },
  {
    code: 'entra_federation_mismatch',
    class: 'authentication',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'No federated credential matches the managed identity',
    cause:
      'With `credential.kind` = `managedIdentity` the app registration must trust the identity: issuer, subject (the identity’s principal id) and audience must all fit. One of them does not, or no such entry exists.',
    remedy:
      'Show what is there: `az ad app federated-credential list --id <appId>`. Add: `az ad app federated-credential create --id <appId> --parameters \'{"name":"exosend","issuer":"https://login.microsoftonline.com/<tenantId>/v2.0","subject":"<principalId>","audiences":["api://AzureADTokenExchange"]}\'`. It may still be propagating for some minutes.',
    source: sources.federation,
    matches: [{ errorCodes: ['AADSTS70021', 'AADSTS700211', 'AADSTS700212', 'AADSTS700213', 'AADSTS700238'] }],
    samples: [
      "AADSTS700213: No matching federated identity record found for presented assertion subject '33333333-3333-3333-3333-333333333333'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion.",
    ],
  },
  {
    code: 'entra_conditional_access',
    class: 'authentication',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'A Conditional Access policy blocks the app (AADSTS53003)',
    cause:
      'A policy for workload identities does not let this app sign in from here, for example because the app’s outbound address is not on the allowed list.',
    remedy:
      'Entra admin center, Monitoring, Sign-in logs, Service principal sign-ins: find the correlation id and read which policy decided. Exempt the app there, or add the app’s outbound addresses: `az functionapp show --name <app> --resource-group <group> --query possibleOutboundIpAddresses -o tsv`.',
    source: sources.aadsts,
    matches: [{ errorCodes: ['AADSTS53003', 'AADSTS530031', 'AADSTS53000'] }],
    samples: [
      '{"error":"access_denied","error_description":"AADSTS53003: Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.","error_codes":[53003]}',
    ],
  },
  {
    code: 'entra_security_defaults',
    class: 'authentication',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'Security defaults block this way of signing in (AADSTS530035)',
    cause: 'The tenant’s security defaults do not allow the protocol or flow that was used.',
    remedy:
      'Make sure that the app signs in by itself (certificate or managed identity, no user). Look at Entra admin center, Overview, Properties, Manage security defaults, and at the sign-in log for the correlation id.',
    source: sources.aadsts,
    matches: [{ errorCodes: ['AADSTS530035'] }],
    samples: [
      'AADSTS530035: Access has been blocked by security defaults. The tenant has security defaults policies enabled.',
    ],
  },
  {
    code: 'entra_tenant_policy',
    class: 'authentication',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'A policy of the tenant blocks the sign-in (AADSTS530032)',
    cause: 'A security policy of the tenant, set by its administrators, refuses this sign-in.',
    remedy:
      'Entra admin center, Monitoring, Sign-in logs, Service principal sign-ins: find the correlation id and read which policy decided, then ask the tenant’s administrators for an exemption.',
    source: sources.aadsts,
    matches: [{ errorCodes: ['AADSTS530032', 'AADSTS530034'] }],
    samples: ['AADSTS530032: The request was blocked by a security policy on the tenant.'],
  },
] as const satisfies readonly CatalogueEntry[];
