import type { CatalogueEntry } from './diagnosis.ts';
import { sources } from './sources.ts';

/** The managed identity that opens Key Vault and storage, and the Azure CLI that stands in for it on a laptop. */
export const managedIdentity = [
  {
    code: 'identity_missing',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'The app has no managed identity',
    cause:
      'The platform offers no identity endpoint (IDENTITY_ENDPOINT is not set), so the Function App has no identity assigned; on a laptop there never is one.',
    remedy:
      'Switch on the system-assigned identity: `az functionapp identity assign --name <app> --resource-group <group>`, or assign a user-assigned one: `az functionapp identity assign --name <app> --resource-group <group> --identities <identityResourceId>` and set `AZURE_CLIENT_ID` to its client id. Then give it its roles.',
    source: sources.managedIdentity,
    matches: [
      { errorCodes: ['identity_endpoint_missing', 'unable_to_create_source'] },
      {
        textPattern:
          /IMDS endpoint, but it is not available|no managed identity endpoint found|ManagedIdentityCredential authentication unavailable/i,
      },
    ],
    samples: [
      'CredentialUnavailableError: Attempted to use the IMDS endpoint, but it is not available.',
      'ManagedIdentityCredential authentication failed: No managed identity endpoint found',
    ],
  },
  {
    code: 'identity_client_id_unknown',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'AZURE_CLIENT_ID names no identity of this app',
    cause:
      'The identity endpoint knows no identity with that client id. Often the client id of the app registration, or the principal id, was put where the client id of the managed identity belongs.',
    remedy:
      'List the app’s identities: `az functionapp identity show --name <app> --resource-group <group>`. Take the client id from `az identity show --name <identity> --resource-group <group> --query clientId -o tsv` and set it: `az functionapp config appsettings set --name <app> --resource-group <group> --settings AZURE_CLIENT_ID=<clientId>`; leave it empty for the system-assigned identity.',
    source: sources.managedIdentity,
    matches: [
      { textPattern: /no user assigned or delegated managed identity found/i },
      { textPattern: /identity not found/i, stages: ['identity'] },
      { errorCodes: ['user_assigned_managed_identity_not_confirmed'] },
    ],
    samples: [
      'ManagedIdentityCredential: Authentication failed. Message {"statusCode":400,"message":"No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId."}',
    ],
  },
  {
    code: 'identity_refused',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'The identity endpoint refused the request',
    cause:
      'The endpoint answered with a client error: an unknown resource, or an identity that was removed or replaced while the app was running.',
    remedy:
      'Look at what is assigned: `az functionapp identity show --name <app> --resource-group <group>`. After a change restart the app, since a running instance keeps the old endpoint: `az functionapp restart --name <app> --resource-group <group>`.',
    source: sources.managedIdentity,
    matches: [{ stages: ['identity'], httpStatuses: [400, 401, 403, 404] }],
    samples: ['ManagedIdentityCredential: Authentication failed. Message: Bad Request, status code 400'],
  },
  {
    code: 'identity_unavailable',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'app',
    title: 'The identity endpoint failed',
    cause:
      'The platform’s identity endpoint answered with a server error or could not be reached. Right after a start or a role change this is common, and it passes.',
    remedy:
      'Nothing at first: the app asks again. If it lasts longer than ten minutes: `az functionapp restart --name <app> --resource-group <group>`.',
    source: sources.managedIdentity,
    matches: [
      { stages: ['identity'], httpStatuses: [410, 429, 500, 502, 503, 504] },
      {
        stages: ['identity'],
        errorCodes: [
          'ECONNREFUSED',
          'ECONNRESET',
          'EPIPE',
          'ENOTFOUND',
          'EAI_AGAIN',
          'network_error',
          'network_unavailable',
        ],
      },
      { textPattern: /ManagedIdentityCredential: Network unreachable/i },
    ],
    samples: [
      'ManagedIdentityCredential: Network unreachable. Message: connect ECONNREFUSED 127.0.0.1:41000',
      'ManagedIdentityCredential: Authentication failed. Message: Internal Server Error, status code 500',
    ],
  },
  {
    code: 'identity_timeout',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'app',
    title: 'The identity endpoint did not answer in time',
    cause: 'The platform’s identity endpoint took too long. A cold start, or many requests at once, do this.',
    remedy:
      'Nothing at first: the app asks again. If it lasts: `az functionapp restart --name <app> --resource-group <group>`.',
    source: sources.managedIdentity,
    matches: [
      {
        stages: ['identity'],
        errorCodes: ['ETIMEDOUT', 'AbortError', 'TimeoutError', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT'],
      },
    ],
    samples: [
      'ManagedIdentityCredential: Authentication failed. Message: TimeoutError: The operation was aborted due to timeout',
    ],
  },
  {
    code: 'identity_cli_not_signed_in',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'The Azure CLI is not signed in',
    cause:
      'Outside Azure the Azure CLI’s sign-in takes the place of the managed identity, and nobody is signed in, or the sign-in has expired.',
    remedy:
      'Run `az login --tenant <tenantId>` and then `az account set --subscription <subscription>`. For work without Azure use the local cloud: `npm start`.',
    source: sources.azureCli,
    matches: [{ textPattern: /please run ['"]?az login/i }],
    samples: [
      "CredentialUnavailableError: Please run 'az login' from a command prompt to authenticate before using this credential.",
    ],
  },
  {
    code: 'identity_cli_missing',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'The Azure CLI is not installed',
    cause:
      'Outside Azure the Azure CLI’s sign-in takes the place of the managed identity, and the command `az` was not found.',
    remedy:
      'Install it from `https://aka.ms/azure-cli`, then `az login --tenant <tenantId>`. For work without Azure use the local cloud: `npm start`.',
    source: sources.azureCli,
    matches: [{ textPattern: /azure cli could not be found|az: (?:command )?not found|'az' is not recognized/i }],
    samples: [
      'CredentialUnavailableError: Azure CLI could not be found. Please visit https://aka.ms/azure-cli for installation instructions',
    ],
  },
] as const satisfies readonly CatalogueEntry[];
