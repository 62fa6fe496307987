import type { CatalogueEntry } from './diagnosis.ts';
import { sources } from './sources.ts';

/** Entra ID as a service: reaching it, its own faults, its throttling, and the library’s memory of them. */
export const entraService = [
  {
    code: 'entra_throttled',
    class: 'throttled',
    retry: 'slow',
    breaker: 'none',
    scope: 'service',
    title: 'Entra ID asks for calm',
    cause:
      'Too many token requests (429, AADSTS90055 or AADSTS50196). A token lasts about an hour, so something asks for one far too often: many restarts, or another program with the same app.',
    remedy:
      'Nothing at first: the app waits as long as Entra ID says and meanwhile uses the last good token. If it lasts, look for who asks: Entra admin center, Sign-in logs, Service principal sign-ins, filter by the client id.',
    source: sources.aadsts,
    matches: [{ errorCodes: ['AADSTS90055', 'AADSTS50196'] }, { stages: ['token'], httpStatuses: [429] }],
    samples: [
      '{"error":"temporarily_unavailable","error_description":"AADSTS90055: Tenant throttling error. There are too many requests.","error_codes":[90055]}',
      'POST https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token HTTP 429 Too Many Requests',
    ],
  },
  {
    code: 'entra_unavailable',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'Entra ID has a fault of its own',
    cause:
      'Entra ID could not issue a token just now (5xx, AADSTS90006, 90012, 90024, 90033 or `temporarily_unavailable`). It passes; the last good token is used as long as it is valid.',
    remedy:
      'Nothing at first. If it lasts, look at `https://azure.status.microsoft` (Microsoft Entra ID), and keep trace id and correlation id for a support case.',
    source: sources.aadsts,
    matches: [
      {
        errorCodes: [
          'AADSTS90006',
          'AADSTS90012',
          'AADSTS90024',
          'AADSTS90033',
          'AADSTS90025',
          'temporarily_unavailable',
        ],
      },
      { stages: ['token'], httpStatuses: [500, 502, 503, 504] },
      { stages: ['token'], errorCodes: ['server_error'] },
    ],
    samples: [
      '{"error":"temporarily_unavailable","error_description":"AADSTS90033: A transient error has occurred. Please try again.","error_codes":[90033]}',
      'AADSTS90006: ExternalServerRetryableError - The service is temporarily unavailable.',
      'AADSTS90024: RequestBudgetExceededError - A transient error has occurred. Try again.',
      'AADSTS90012: RequestTimeout - The requested has timed out.',
      'POST https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token HTTP 503 Service Unavailable',
    ],
  },
  {
    code: 'entra_answer_unreadable',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'The token endpoint’s answer was not JSON',
    cause:
      'An HTML page came back in place of a token: a gateway error on the way, or a proxy that shows its own page.',
    remedy:
      'Nothing at first: the app asks again. If it lasts, see who answers: `curl -sS -D - -o /dev/null https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration` from the app’s network.',
    source: sources.msal,
    matches: [
      { errorCodes: ['token_parsing_error', 'null_or_empty_token', 'client_info_decoding_error'] },
      { stages: ['token'], textPattern: /<!doctype html|<html|unexpected token '?<'?/i },
    ],
    samples: [
      'ClientAuthError: token_parsing_error: The access token could not be parsed. Raw answer: <html><head><title>502 Bad Gateway</title></head>',
    ],
  },
  {
    code: 'entra_throttle_memory',
    class: 'transient',
    retry: 'slow',
    breaker: 'none',
    scope: 'app',
    title: 'The token library still remembers an earlier fault',
    cause:
      'After one 429 or 5xx the library (MSAL) makes no request for 60 seconds, or as long as Retry-After said, and throws an error without code or status. Entra ID was not asked.',
    remedy:
      'Nothing: the app uses its last good token and asks again after the pause. Look in the log for the first error before this one; that is the cause.',
    source: sources.msal,
    matches: [
      { errorCodes: ['msal_throttled'] },
      { textPattern: /ServerError\b[^\n]{0,80}errorCode['"]?: ?(?:''|"")/ },
    ],
    samples: ["ServerError { errorCode: '', errorMessage: '', subError: '', status: undefined }"],
  },
  {
    code: 'entra_unreachable',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'No connection to Entra ID',
    cause: 'The token request did not get through or ran out of time: DNS, route, proxy or firewall on TCP 443.',
    remedy:
      'From the app’s network: `nc -vz login.microsoftonline.com 443`. In a virtual network let the service tag AzureActiveDirectory out: `az network nsg rule create --name entra --nsg-name <nsg> --resource-group <group> --priority 200 --direction Outbound --access Allow --protocol Tcp --destination-address-prefixes AzureActiveDirectory --destination-port-ranges 443`.',
    source: sources.nodeErrors,
    matches: [
      {
        stages: ['token'],
        errorCodes: [
          'network_error',
          'no_network_connectivity',
          'ECONNREFUSED',
          'ECONNRESET',
          'ETIMEDOUT',
          'ENOTFOUND',
          'EAI_AGAIN',
          'EHOSTUNREACH',
          'ENETUNREACH',
          'EPIPE',
          'AbortError',
          'TimeoutError',
          'UND_ERR_CONNECT_TIMEOUT',
          'UND_ERR_HEADERS_TIMEOUT',
          'UND_ERR_SOCKET',
        ],
      },
    ],
    samples: [
      'ClientAuthError: network_error: Network request failed: getaddrinfo ENOTFOUND login.microsoftonline.com',
    ],
  },
  {
    code: 'entra_authority_invalid',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'The authority or the tenant in the settings cannot be used',
    cause:
      'AZURE_AUTHORITY_HOST is not an https address of Entra ID, or the tenant is missing or is a stand-in such as `common`, which has no app-only tokens.',
    remedy:
      'Set both: `az functionapp config appsettings set --name <app> --resource-group <group> --settings AZURE_AUTHORITY_HOST=https://login.microsoftonline.com MAIL_TENANT_ID=<tenantId>`.',
    source: sources.msal,
    matches: [
      {
        errorCodes: [
          'endpoints_resolution_error',
          'openid_config_error',
          'authority_uri_insecure',
          'url_parse_error',
          'url_empty_error',
          'untrusted_authority',
          'missing_tenant_id_error',
          'invalid_authority_metadata',
        ],
      },
      // One number, two meanings: the other one, a bad scope, stands in entra-app.ts.
      { errorCodes: ['AADSTS700023'], textPattern: /audience claim/i },
    ],
    samples: [
      'ClientAuthError: endpoints_resolution_error: Endpoints cannot be resolved',
      'ClientConfigurationError: authority_uri_insecure: Authority URIs must use https.',
      'AADSTS700023: Client assertion audience claim does not match Realm issuer.',
    ],
  },
  {
    code: 'entra_refused',
    class: 'authentication',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'Entra ID refused to issue a token',
    cause:
      'Entra ID answered with an error that has no entry of its own here. Its text and its AADSTS number say more.',
    remedy:
      'Look the number up at `https://login.microsoftonline.com/error?code=<number>`, and find the correlation id in Entra admin center, Monitoring, Sign-in logs, Service principal sign-ins.',
    source: sources.aadsts,
    matches: [
      {
        errorCodes: [
          'invalid_client',
          'unauthorized_client',
          'invalid_request',
          'invalid_grant',
          'access_denied',
          'invalid_resource',
          'unsupported_grant_type',
          'interaction_required',
          // nodemailer, where it fetches the token itself.
          'EOAUTH2',
        ],
      },
      { stages: ['token'], httpStatuses: [400, 401, 403] },
    ],
    samples: [
      '{"error":"invalid_client","error_description":"AADSTS7009999: A number this catalogue does not know.","error_codes":[7009999]}',
    ],
  },
] as const satisfies readonly CatalogueEntry[];
