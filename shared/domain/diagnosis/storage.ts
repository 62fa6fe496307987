import type { CatalogueEntry } from './diagnosis.ts';
import { sources } from './sources.ts';

const storageHost = /\.(?:queue|table|blob)\.core\.|127\.0\.0\.1:1000[0-2]|AzureWebJobsStorage/i;

/** Azure Storage: the tables that hold the messages, the queues that wake the sender, the blobs with large content. */
export const storage = [
  {
    code: 'storage_forbidden',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'none',
    scope: 'service',
    title: 'The app’s identity may not use the storage account',
    cause:
      'Storage knows the caller and refuses (403): a role for tables, queues or blobs is missing, or it was given within the last minutes.',
    remedy:
      'Give the three roles on the account: for each of "Storage Table Data Contributor", "Storage Queue Data Contributor" and "Storage Blob Data Owner" run `az role assignment create --assignee-object-id <principalId> --assignee-principal-type ServicePrincipal --role "<role>" --scope $(az storage account show --name <account> --query id -o tsv)`. See what is there: `az role assignment list --assignee <principalId> --all -o table`. A new role may still be propagating, usually for some minutes.',
    source: sources.storageRoles,
    matches: [
      { stages: ['storage'], httpStatuses: [403] },
      {
        errorCodes: [
          'AuthorizationPermissionMismatch',
          'InsufficientAccountPermissions',
          'AuthorizationServiceMismatch',
        ],
      },
      { textPattern: /not authorized to perform this operation using this permission/i },
    ],
    samples: [
      'RestError: This request is not authorized to perform this operation using this permission. { "code": "AuthorizationPermissionMismatch", "statusCode": 403 }',
    ],
  },
  {
    code: 'storage_network_blocked',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'none',
    scope: 'service',
    title: 'The storage account’s firewall keeps the app out',
    cause: 'The account allows chosen networks or private endpoints only, and the app does not come from one of them.',
    remedy:
      'Join the app’s subnet: `az storage account network-rule add --account-name <account> --vnet-name <vnet> --subnet <subnet>`, or use private endpoints for table, queue and blob. See the rules: `az storage account network-rule list --account-name <account>`.',
    source: 'https://learn.microsoft.com/azure/storage/common/storage-network-security',
    matches: [
      { errorCodes: ['AuthorizationFailure', 'PublicAccessNotPermitted'] },
      { textPattern: /not authorized to perform this operation\.(?:\s|\\n|$)/i },
    ],
    samples: [
      'RestError: This request is not authorized to perform this operation.\nRequestId:a881d25f-6003-0015-201f-c34c54000000 { "code": "AuthorizationFailure", "statusCode": 403 }',
    ],
  },
  {
    code: 'storage_unauthenticated',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'none',
    scope: 'service',
    title: 'Storage does not accept the credential',
    cause:
      'The account key, signature or token is wrong, or the account forbids keys: a rotated key in a connection string, a clock that is off, or `allowSharedKeyAccess: false`.',
    remedy:
      'Use the identity in place of a key: remove `AzureWebJobsStorage` and set `AzureWebJobsStorage__accountName=<account>` and `AzureWebJobsStorage__credential=managedidentity` with `az functionapp config appsettings set --name <app> --resource-group <group> --settings …`.',
    source: sources.storageErrors,
    matches: [
      {
        stages: ['storage'],
        errorCodes: ['AuthenticationFailed', 'InvalidAuthenticationInfo', 'NoAuthenticationInformation'],
      },
      { errorCodes: ['KeyBasedAuthenticationNotPermitted'] },
      { textPattern: /server failed to authenticate the request/i },
      { stages: ['storage'], httpStatuses: [401] },
    ],
    samples: [
      'RestError: Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature. { "code": "AuthenticationFailed", "statusCode": 403 }',
      'RestError: Key based authentication is not permitted on this storage account. { "code": "KeyBasedAuthenticationNotPermitted", "statusCode": 403 }',
    ],
  },
  {
    code: 'storage_not_found',
    class: 'configuration',
    retry: 'slow',
    breaker: 'none',
    scope: 'service',
    title: 'A table, queue, container or the account itself is missing',
    cause:
      'The setting names another account, the account was deleted, or a table, queue or container was removed by hand. Exosend makes its own when it starts.',
    remedy:
      'Check the setting: `az functionapp config appsettings list --name <app> --resource-group <group> --query "[?starts_with(name, \'AzureWebJobsStorage\')].name"` and `az storage account list --query "[].name"`. Then restart, which makes what is missing: `az functionapp restart --name <app> --resource-group <group>`.',
    source: sources.storageErrors,
    matches: [
      {
        errorCodes: [
          'TableNotFound',
          'QueueNotFound',
          'ContainerNotFound',
          'TableBeingDeleted',
          'QueueBeingDeleted',
          'ContainerBeingDeleted',
        ],
      },
      { stages: ['storage'], httpStatuses: [404] },
      { stages: ['storage'], errorCodes: ['ENOTFOUND'] },
    ],
    samples: [
      'RestError: The specified queue does not exist. { "code": "QueueNotFound", "statusCode": 404 }',
      'RestError: The table specified does not exist. { "odata.error": { "code": "TableNotFound" } }',
    ],
  },
  {
    code: 'storage_throttled',
    class: 'throttled',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'Storage asks for calm',
    cause: 'The account or one partition is getting more requests than it serves (ServerBusy, 429 or 503).',
    remedy:
      'Nothing at first: the request is repeated. If it lasts, give Exosend a storage account of its own, and look at the portal: Storage account, Monitoring, Metrics, Transactions split by Response type.',
    source: sources.storageErrors,
    matches: [{ errorCodes: ['ServerBusy', 'AccountLimitExceeded'] }, { stages: ['storage'], httpStatuses: [429] }],
    samples: ['RestError: The server is busy. { "code": "ServerBusy", "statusCode": 503 }'],
  },
  {
    code: 'storage_unavailable',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'service',
    title: 'Storage cannot be reached or has a fault of its own',
    cause:
      'The request failed on the way or with a server error (5xx). Nothing was accepted: a caller gets 503 and may repeat the request with the same Idempotency-Key.',
    remedy:
      'Nothing at first: the request is repeated. If it lasts: `az storage account show --name <account> --query statusOfPrimary`, and portal: Storage account, Resource health. On a laptop start the local storage: `npm start`.',
    source: sources.storageErrors,
    matches: [
      { stages: ['storage'], httpStatuses: [408, 500, 502, 503, 504] },
      { errorCodes: ['InternalError', 'OperationTimedOut'], textPattern: storageHost },
      {
        stages: ['storage'],
        errorCodes: [
          'ECONNREFUSED',
          'ECONNRESET',
          'ETIMEDOUT',
          'EAI_AGAIN',
          'EPIPE',
          'EHOSTUNREACH',
          'ENETUNREACH',
          'REQUEST_SEND_ERROR',
          'OperationTimedOut',
          'InternalError',
          'AbortError',
          'TimeoutError',
        ],
      },
    ],
    samples: [
      'RestError: connect ECONNREFUSED 127.0.0.1:10002 (http://127.0.0.1:10002/devstoreaccount1/messages)',
      'RestError: https://exosend.table.core.windows.net/messages HTTP 500 Internal Server Error { "odata.error": { "code": "InternalError" } }',
    ],
  },
] as const satisfies readonly CatalogueEntry[];
