import type { CatalogueEntry } from './diagnosis.ts';
import { sources } from './sources.ts';

const grantRead =
  '`az role assignment create --assignee-object-id <principalId> --assignee-principal-type ServicePrincipal --role "Key Vault Certificate User" --scope $(az keyvault show --name <vault> --query id -o tsv)`';
const showCertificate =
  '`az keyvault certificate show --vault-name <vault> --name <certificate> --query "{version:id, enabled:attributes.enabled, expires:attributes.expires}"`';

/** Key Vault: reaching it and being let in. What it holds is in key-vault-content.ts. */
export const keyVault = [
  {
    code: 'vault_forbidden',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'vault',
    title: 'The app’s identity may not read from the vault',
    cause:
      'Key Vault knows the caller and refuses it (403): the managed identity has no role on the vault that allows reading the certificate, or the vault still uses access policies and has none for it.',
    remedy: `Give the role: ${grantRead}. The principal id: \`az functionapp identity show --name <app> --resource-group <group> --query principalId -o tsv\`; for a user-assigned identity \`az identity show --name <identity> --resource-group <group> --query principalId -o tsv\`. With \`"sign":"vault"\` also the role "Key Vault Crypto User". A new role may still be propagating, usually for some minutes.`,
    source: sources.vaultRoles,
    matches: [
      { stages: ['vault'], httpStatuses: [403] },
      { errorCodes: ['ForbiddenByRbac', 'ForbiddenByPolicy'] },
      { textPattern: /caller is not authorized to perform action on resource|does not have secrets get permission/i },
    ],
    samples: [
      'RestError: Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\nAction: \'Microsoft.KeyVault/vaults/secrets/getSecret/action\'\r\nVault: kv-mail;location=westeurope { "statusCode": 403, "code": "Forbidden", "innererror": { "code": "ForbiddenByRbac" } }',
      "The user, group or application 'appid=…;oid=…;iss=https://sts.windows.net/…/' does not have secrets get permission on key vault 'kv-mail;location=westeurope'.",
    ],
  },
  {
    code: 'vault_network_blocked',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'vault',
    title: 'The vault’s firewall keeps the app out',
    cause:
      'The vault allows chosen networks or a private endpoint only (403 before any role is looked at), and the app’s outbound address is not among them.',
    remedy:
      'Join the app to a virtual network that the vault admits: `az keyvault network-rule add --name <vault> --vnet-name <vnet> --subnet <subnet>` (with the service endpoint Microsoft.KeyVault on the subnet), or use a private endpoint with the DNS zone privatelink.vaultcore.azure.net. See the rules: `az keyvault network-rule list --name <vault>`.',
    source: 'https://learn.microsoft.com/azure/key-vault/general/network-security',
    matches: [
      { errorCodes: ['ForbiddenByFirewall', 'ForbiddenByConnection'] },
      {
        textPattern:
          /client address is not authorized and caller is not a trusted service|public network access is disabled and request is not from/i,
      },
    ],
    samples: [
      'RestError: Client address is not authorized and caller is not a trusted service.\r\nClient address: 20.61.10.12\r\nVault: kv-mail;location=westeurope { "statusCode": 403, "innererror": { "code": "ForbiddenByFirewall" } }',
      'Public network access is disabled and request is not from a trusted service nor via an approved private link.',
    ],
  },
  {
    code: 'vault_unauthorized',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'vault',
    title: 'The vault does not accept the identity’s tenant',
    cause:
      'Key Vault answered 401: the token was issued by another tenant than the vault’s, or by another cloud. This happens after a subscription moved, or on a laptop signed in to another tenant.',
    remedy:
      'Compare `az keyvault show --name <vault> --query properties.tenantId -o tsv` with `az account show --query tenantId -o tsv`. On a laptop: `az login --tenant <tenantId>`. After a move: `az keyvault update --name <vault> --set properties.tenantId=<tenantId>`.',
    source: sources.vaultErrors,
    matches: [{ stages: ['vault'], httpStatuses: [401] }, { textPattern: /AKV100(?:32|22)/ }],
    samples: [
      'RestError: [TokenExpired] AKV10032: Invalid issuer. Expected one of https://sts.windows.net/…/, found https://sts.windows.net/…/.',
    ],
  },
  {
    code: 'vault_not_found',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'vault',
    title: 'There is no vault of that name',
    cause:
      'DNS knows no host for KEY_VAULT_URL. The name is wrong, the vault was deleted (and perhaps can be recovered), the cloud’s suffix is wrong, or the private DNS zone is not linked to the app’s network.',
    remedy:
      'Find the vault: `az keyvault list --query "[].properties.vaultUri"`; a deleted one: `az keyvault list-deleted`, then `az keyvault recover --name <vault>`. Set it: `az functionapp config appsettings set --name <app> --resource-group <group> --settings KEY_VAULT_URL=https://<vault>.vault.azure.net`.',
    source: sources.vaultErrors,
    matches: [
      { stages: ['vault'], errorCodes: ['ENOTFOUND', 'ENODATA'] },
      { errorCodes: ['ENOTFOUND'], textPattern: /ENOTFOUND [a-z0-9-]{1,40}\.vault\.(?:azure|usgovcloudapi)\./i },
    ],
    samples: ['RestError: getaddrinfo ENOTFOUND kv-mial.vault.azure.net'],
  },
  {
    code: 'vault_throttled',
    class: 'throttled',
    retry: 'slow',
    breaker: 'none',
    scope: 'vault',
    title: 'Key Vault asks for calm',
    cause:
      'The vault’s limit of requests was passed (429). Exosend reads a certificate every fifteen minutes, so another reader of the same vault causes this.',
    remedy:
      'Nothing at first: the app waits as long as Key Vault says and meanwhile uses what it has. If it lasts, give the mail certificate a vault of its own: `az keyvault create --name <vault> --resource-group <group> --enable-rbac-authorization true`.',
    source: 'https://learn.microsoft.com/azure/key-vault/general/overview-throttling',
    matches: [{ stages: ['vault'], httpStatuses: [429] }],
    samples: [
      'RestError: Request was not processed because too many requests were received. https://kv-mail.vault.azure.net status code 429',
    ],
  },
  {
    code: 'vault_unavailable',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'vault',
    title: 'Key Vault has a fault of its own',
    cause:
      'Key Vault answered with a server error (5xx). This passes; the certificate last read is used as long as it is valid.',
    remedy:
      'Nothing at first. If it lasts: `az rest --method get --url "https://management.azure.com$(az keyvault show --name <vault> --query id -o tsv)/providers/Microsoft.ResourceHealth/availabilityStatuses/current?api-version=2022-10-01"`, or the portal: Key Vault, Resource health.',
    source: sources.vaultErrors,
    matches: [{ stages: ['vault'], httpStatuses: [500, 502, 503, 504] }],
    samples: ['RestError: https://kv-mail.vault.azure.net HTTP 503 Service Unavailable'],
  },
  {
    code: 'vault_unreachable',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'vault',
    title: 'No connection to Key Vault',
    cause: 'The request did not reach the vault or ran out of time: DNS, route or firewall on TCP 443.',
    remedy:
      'From the app’s network: `nc -vz <vault>.vault.azure.net 443` and `nslookup <vault>.vault.azure.net`. With a private endpoint the name must resolve to its private address.',
    source: sources.nodeErrors,
    matches: [
      {
        stages: ['vault'],
        errorCodes: [
          'ECONNREFUSED',
          'ECONNRESET',
          'ETIMEDOUT',
          'EAI_AGAIN',
          'EHOSTUNREACH',
          'ENETUNREACH',
          'EPIPE',
          'REQUEST_SEND_ERROR',
          'AbortError',
          'TimeoutError',
          'UND_ERR_CONNECT_TIMEOUT',
          'UND_ERR_SOCKET',
        ],
      },
    ],
    samples: [
      'RestError: connect ETIMEDOUT 51.124.10.9:443 (https://kv-mail.vault.azure.net/secrets/mail-certificate)',
    ],
  },
  {
    code: 'vault_refused',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'vault',
    title: 'Key Vault refused the request',
    cause: 'Key Vault answered with a client error that has no entry of its own here. The detail is in its text.',
    remedy: `Read the text, then look at the certificate: ${showCertificate}, and at the setting \`MAIL_CERTIFICATE_NAME\` (letters, digits and hyphens only; a name, not a URL).`,
    source: sources.vaultErrors,
    matches: [{ stages: ['vault'], httpStatuses: [400, 405, 409, 422] }, { errorCodes: ['BadParameter'] }],
    samples: [
      'RestError: https://kv-mail.vault.azure.net { "statusCode": 400, "code": "BadParameter", "message": "The request URI contains an invalid name: mail cert" }',
    ],
  },
] as const satisfies readonly CatalogueEntry[];
