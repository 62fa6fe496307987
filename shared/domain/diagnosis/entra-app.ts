import type { CatalogueEntry } from './diagnosis.ts';
import { sources } from './sources.ts';

const showApp = '`az ad app show --id <appId> --query "{name:displayName, appId:appId}"`';

/** Entra ID: the tenant, the app registration and what may be asked for. */
export const entraApp = [
  {
    code: 'entra_app_not_found',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'The tenant knows no app with that client id (AADSTS700016)',
    cause:
      'The client id is wrong, or the app registration lives in another tenant than the one the token was asked of.',
    remedy: `Copy both ids from Entra admin center, App registrations, your app, Overview, and compare with \`MAIL_CLIENT_ID\` and \`MAIL_TENANT_ID\` (or \`MAIL_SENDERS\`). From the shell: ${showApp} and \`az account show --query tenantId -o tsv\`.`,
    source: sources.aadsts,
    matches: [{ errorCodes: ['AADSTS700016'] }],
    samples: [
      '{"error":"unauthorized_client","error_description":"AADSTS700016: Application with identifier \'11111111-1111-1111-1111-111111111111\' was not found in the directory \'Contoso\'. This can happen if the application has not been installed by the administrator of the tenant. Trace ID: 0f1e2d3c-0000-0000-0000-000000000000 Correlation ID: 4b5a6978-0000-0000-0000-000000000000 Timestamp: 2026-11-20 10:00:00Z","error_codes":[700016]}',
    ],
  },
  {
    code: 'entra_service_principal_missing',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'The app has no service principal in the tenant (AADSTS7000229)',
    cause: 'The app registration exists, but the tenant holds no enterprise application (service principal) for it.',
    remedy:
      'Make it: `az ad sp create --id <appId>`. Then register it in Exchange with its object id: `az ad sp show --id <appId> --query id -o tsv` and `New-ServicePrincipal -AppId <appId> -ObjectId <enterpriseAppObjectId> -DisplayName "Exosend"`. It may still be propagating for some minutes.',
    source: sources.aadsts,
    matches: [{ errorCodes: ['AADSTS7000229'] }],
    samples: [
      '{"error":"invalid_client","error_description":"AADSTS7000229: The client application 11111111-1111-1111-1111-111111111111 is missing service principal in the tenant 22222222-2222-2222-2222-222222222222. See instructions here: https://go.microsoft.com/fwlink/?linkid=2225119 Trace ID: 0f1e2d3c","error_codes":[7000229]}',
    ],
  },
  {
    code: 'entra_tenant_not_found',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'There is no such tenant (AADSTS90002)',
    cause:
      'The tenant id is wrong, or the tenant lives in another cloud than AZURE_AUTHORITY_HOST (worldwide, US Government, China).',
    remedy:
      'Read the id: `az account show --query tenantId -o tsv`, or Entra admin center, Overview. Set it: `az functionapp config appsettings set --name <app> --resource-group <group> --settings MAIL_TENANT_ID=<tenantId>`. Sovereign clouds: `AZURE_AUTHORITY_HOST` is `https://login.microsoftonline.us` or `https://login.partner.microsoftonline.cn`.',
    source: sources.aadsts,
    matches: [{ errorCodes: ['AADSTS90002', 'AADSTS900023', 'AADSTS900021'] }],
    samples: [
      '{"error":"invalid_request","error_description":"AADSTS90002: Tenant \'22222222-2222-2222-2222-222222222222\' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.","error_codes":[90002]}',
    ],
  },
  {
    code: 'entra_app_disabled',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'The app is disabled in the tenant (AADSTS7000112)',
    cause:
      'An administrator, or Microsoft after suspicious use, has switched off sign-in for the enterprise application.',
    remedy:
      'Ask first why it was switched off. Then: `az ad sp update --id <appId> --set accountEnabled=true`, or Entra admin center, Enterprise applications, your app, Properties, “Enabled for users to sign-in”.',
    source: sources.aadsts,
    matches: [{ errorCodes: ['AADSTS7000112', 'AADSTS7000113'] }],
    samples: [
      '{"error":"unauthorized_client","error_description":"AADSTS7000112: Application \'11111111-1111-1111-1111-111111111111\'(Exosend) is disabled.","error_codes":[7000112]}',
    ],
  },
  {
    code: 'entra_scope_invalid',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'The scope asked for is not valid',
    cause:
      'Entra ID does not take the value of MAIL_TOKEN_SCOPE. An app-only token is asked for with one resource and the ending `/.default`.',
    remedy:
      'Set `MAIL_TOKEN_SCOPE` to `https://outlook.office365.com/.default` (US Government `https://outlook.office365.us/.default`, China `https://partner.outlook.cn/.default`): `az functionapp config appsettings set --name <app> --resource-group <group> --settings MAIL_TOKEN_SCOPE=https://outlook.office365.com/.default`.',
    source: sources.aadsts,
    matches: [
      { errorCodes: ['AADSTS700023', 'AADSTS700022', 'AADSTS70011', 'AADSTS28002', 'AADSTS1002012', 'invalid_scope'] },
    ],
    samples: [
      '{"error":"invalid_scope","error_description":"AADSTS70011: The provided request must include a \'scope\' input parameter. The provided value for the input parameter \'scope\' is not valid. The scope https://outlook.office365.com/SMTP.Send is not valid.","error_codes":[70011]}',
      'AADSTS1002012: The provided value for scope https://outlook.office365.com is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).',
      'AADSTS28002: Provided value for the input parameter scope is not valid when requesting an access token.',
      'AADSTS700023: The provided value for the input parameter scope is not valid when request an access token.',
    ],
  },
  {
    code: 'entra_resource_not_found',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'The tenant does not know the resource (AADSTS500011)',
    cause:
      'The resource in MAIL_TOKEN_SCOPE has no service principal in the tenant: a typing error, the wrong cloud’s address, or a tenant without Exchange Online.',
    remedy:
      'Check `MAIL_TOKEN_SCOPE` (`https://outlook.office365.com/.default` worldwide). See whether the tenant has Exchange Online: `az ad sp show --id 00000002-0000-0ff1-ce00-000000000000 --query displayName`.',
    source: sources.aadsts,
    matches: [{ errorCodes: ['AADSTS500011'] }],
    samples: [
      '{"error":"invalid_resource","error_description":"AADSTS500011: The resource principal named https://outlook.ofice365.com was not found in the tenant named Contoso.","error_codes":[500011]}',
    ],
  },
  {
    code: 'entra_resource_not_registered',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'The resource is not listed in the app registration (AADSTS650057)',
    cause: 'A resource was asked for that the app registration does not name among its permissions.',
    remedy:
      'Check `MAIL_TOKEN_SCOPE`. In claim mode add the permission: Entra admin center, App registrations, your app, API permissions, Add, APIs my organization uses, Office 365 Exchange Online, Application permissions, SMTP.SendAsApp, then “Grant admin consent”. With App RBAC no permission is added.',
    source: sources.aadsts,
    matches: [{ errorCodes: ['AADSTS650057'] }],
    samples: [
      '{"error":"invalid_resource","error_description":"AADSTS650057: Invalid resource. The client has requested access to a resource which is not listed in the requested permissions in the client\'s application registration.","error_codes":[650057]}',
    ],
  },
  {
    code: 'entra_consent_missing',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'An administrator has not consented',
    cause: 'The app asks for a permission to which no administrator of the tenant has agreed.',
    remedy:
      'Claim mode: `az ad app permission admin-consent --id <appId>`, or Entra admin center, App registrations, your app, API permissions, “Grant admin consent”. With App RBAC the app needs no permission: remove the one that asks. A new consent may still be propagating.',
    source: sources.aadsts,
    matches: [{ errorCodes: ['AADSTS65001', 'AADSTS650056', 'AADSTS90094', 'consent_required'] }],
    samples: [
      '{"error":"invalid_grant","error_description":"AADSTS65001: The user or administrator has not consented to use the application with ID \'11111111-1111-1111-1111-111111111111\' named \'Exosend\'. Send an interactive authorization request for this user and resource.","error_codes":[65001]}',
      "AADSTS650056: Misconfigured application. This could be due to one of the following: the client has not listed any permissions in the requested permissions in the client's application registration.",
      'AADSTS90094: AdminConsentRequired',
    ],
  },
  {
    code: 'entra_modes_mixed',
    class: 'configuration',
    retry: 'never',
    breaker: 'none',
    scope: 'app',
    title: 'App RBAC is stated, yet the token carries SMTP.SendAsApp',
    cause:
      'The sender says `"authorization":"appRbac"`, and its app registration has the API permission SMTP.SendAsApp all the same. Microsoft asks not to mix the two ways: with the claim in the token Exchange checks mailbox permissions as well, which App RBAC does without.',
    remedy:
      'Take the permission away: Entra admin center, App registrations, your app, API permissions, SMTP.SendAsApp, Remove permission, and its consent under Enterprise applications, Permissions. If the claim is what authorises the app, say `"authorization":"claim"` in `MAIL_SENDERS`.',
    source: sources.appRbac,
    matches: [{ errorCodes: ['entra_modes_mixed'] }],
    samples: ['entra_modes_mixed'],
  },
  {
    code: 'entra_user_flow',
    class: 'configuration',
    retry: 'never',
    breaker: 'none',
    scope: 'app',
    title: 'The error belongs to a sign-in with user name and password',
    cause:
      'Exosend signs in as an app and never as a user, so this comes from another program, or from an old set-up with a password.',
    remedy:
      'Look for the program that still signs in as a user: Entra admin center, Monitoring, Sign-in logs, filter by the correlation id in the text. In Exosend use a certificate: `"credential":{"kind":"certificate","name":"<certificate>"}`.',
    source: sources.aadsts,
    matches: [
      { errorCodes: ['AADSTS50034', 'AADSTS50126', 'AADSTS50076', 'AADSTS50079', 'AADSTS50053', 'AADSTS50057'] },
    ],
    samples: [
      'AADSTS50034: The user account {EUII Hidden} does not exist in the contoso.com directory. To sign into this application, the account must be added to the directory.',
      'AADSTS50126: Error validating credentials due to invalid username or password.',
    ],
  },
] as const satisfies readonly CatalogueEntry[];
