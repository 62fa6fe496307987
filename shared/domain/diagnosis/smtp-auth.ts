import type { CatalogueEntry } from './diagnosis.ts';
import { sources } from './sources.ts';

const allowMailbox = '`Set-CASMailbox -Identity <mailbox> -SmtpClientAuthenticationDisabled $false`';
const useOAuth =
  'Exosend signs in with OAuth only, so find the program that still uses a password (Entra admin center, Sign-in logs, filter Client app = Authenticated SMTP) and let it send through Exosend: `POST /api/messages`.';

/** The sign-in at the submission server: AUTH XOAUTH2, and what is said to clients that did not sign in. */
export const smtpAuth = [
  {
    code: 'smtp_auth_unsuccessful',
    class: 'authentication',
    retry: 'onceRefreshed',
    breaker: 'opens',
    scope: 'mailbox',
    title: 'Exchange does not accept the token for this mailbox (535 5.7.3)',
    cause:
      'Exchange gives one text for many causes: the app has no grant to send, its service principal is not registered in Exchange or is registered with the wrong object id, the mailbox is outside the scope, the token is for another audience, or the token has expired. A changed permission takes up to about two hours to show.',
    remedy:
      'Check in this order. 1. `Get-ServicePrincipal | Format-List DisplayName, AppId, ObjectId`: the object id must be the enterprise application’s, `az ad sp show --id <appId> --query id -o tsv`; if it is missing or wrong: `New-ServicePrincipal -AppId <appId> -ObjectId <enterpriseAppObjectId> -DisplayName "Exosend"`. 2. `Test-ServicePrincipalAuthorization -Identity <appId> -Resource <mailbox>` must show `Application SMTP.SendAsApp` with InScope True; else `New-ManagementRoleAssignment -App <appId> -Role "Application SMTP.SendAsApp" -CustomResourceScope "<scope>"`. 3. In claim mode: `Add-MailboxPermission -Identity <mailbox> -User <enterpriseAppObjectId> -AccessRights FullAccess`. 4. `MAIL_TOKEN_SCOPE` must be `https://outlook.office365.com/.default`. A change made just now may still be propagating.',
    source: sources.smtpOAuth,
    matches: [
      { stages: ['auth'], replyCodes: [535], enhanced: ['5.7.3'] },
      { replyCodes: [535], enhanced: ['5.7.3'], textPattern: /authentication unsuccessful/i },
      { textPattern: /^\s{0,8}authentication unsuccessful\W{0,8}$/i },
    ],
    samples: [
      '535 5.7.3 Authentication unsuccessful [AM0PR04CA0001.eurprd04.prod.outlook.com 2026-11-20T10:00:00.000Z 08DE27F3A1B2C3D4]',
      "Error: Invalid login: 535 5.7.3 Authentication unsuccessful [AM0PR04CA0001.eurprd04.prod.outlook.com] { code: 'EAUTH', response: '535 5.7.3 Authentication unsuccessful', responseCode: 535, command: 'AUTH XOAUTH2' }",
      "smtplib.SMTPAuthenticationError: (535, b'5.7.3 Authentication unsuccessful [AM0PR04CA0001.eurprd04.prod.outlook.com]')",
    ],
  },
  {
    code: 'smtp_auth_disabled_tenant',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'mailbox',
    title: 'SMTP AUTH is switched off for the tenant',
    cause:
      'The organisation has switched off authenticated SMTP submission. The switch holds for OAuth too, and a mailbox may be exempted from it.',
    remedy: `Leave the tenant’s switch as it is and exempt this mailbox: ${allowMailbox}. See both: \`Get-TransportConfig | Format-List SmtpClientAuthenticationDisabled\` and \`Get-CASMailbox -Identity <mailbox> | Format-List SmtpClientAuthenticationDisabled\`. It may still be propagating for an hour or two.`,
    source: sources.smtpAuthSwitch,
    matches: [{ textPattern: /SmtpClientAuthentication is disabled for the Tenant/i }],
    samples: [
      '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information. [AM0PR04CA0001.eurprd04.prod.outlook.com]',
      'The SMTP server requires a secure connection or the client was not authenticated. The server response was: 5.7.57 Client not authenticated to send mail. Error: 535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information.',
    ],
  },
  {
    code: 'smtp_auth_disabled_mailbox',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'mailbox',
    title: 'SMTP AUTH is switched off for the mailbox',
    cause:
      'The mailbox has its own switch for authenticated SMTP submission, and it is off. It outranks the tenant’s switch in both directions.',
    remedy: `Switch it on: ${allowMailbox}, or Microsoft 365 admin center, Users, Active users, the user, Mail, Manage email apps, Authenticated SMTP. It may still be propagating for an hour or two.`,
    source: sources.smtpAuthSwitch,
    matches: [{ textPattern: /SmtpClientAuthentication is disabled for the Mailbox/i }],
    samples: [
      '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox. Visit https://aka.ms/smtp_auth_disabled for more information. [AM0PR04CA0001.eurprd04.prod.outlook.com 2026-11-20T10:00:00.000Z 08DE27F3A1B2C3D4]',
    ],
  },
  {
    code: 'smtp_basic_auth_disabled',
    class: 'configuration',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'mailbox',
    title: 'A password was used, and passwords are no longer taken',
    cause:
      'The client signed in with user name and password (Basic authentication), which the tenant does not allow any more.',
    remedy: useOAuth,
    source: sources.basicAuthEnd,
    matches: [{ textPattern: /basic authentication is (?:disabled|not supported)/i }, { enhanced: ['5.7.30'] }],
    samples: [
      '535 5.7.139 Authentication unsuccessful, basic authentication is disabled. [YT3PR01CA0122.CANPRD01.PROD.OUTLOOK.COM 2026-01-22T03:07:00.315Z 08DD393115E98C2B]',
      '550 5.7.30 Basic authentication is not supported for Client Submission. [AM0PR04CA0001.eurprd04.prod.outlook.com]',
    ],
  },
  {
    code: 'smtp_auth_security_defaults',
    class: 'authentication',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'mailbox',
    title: 'Security defaults lock this way of signing in',
    cause:
      'The tenant’s security defaults block sign-in with a password over SMTP. OAuth with an app-only token is not touched by them.',
    remedy: useOAuth,
    source: sources.smtpAuthSwitch,
    matches: [{ textPattern: /locked by your organization['’]?s security defaults/i }],
    samples: [
      "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy. Contact your administrator. [AM0PR04CA0001.eurprd04.prod.outlook.com]",
    ],
  },
  {
    code: 'smtp_auth_wrong_password',
    class: 'authentication',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'mailbox',
    title: 'User name or password is wrong',
    cause: 'The client signed in with a password, and it is wrong. An app-only token never gives this text.',
    remedy: useOAuth,
    source: sources.devicesAndApps,
    matches: [{ textPattern: /(?:the )?user credentials were incorrect/i }],
    samples: [
      '535 5.7.139 Authentication unsuccessful, the user credentials were incorrect. [AM0PR04CA0001.eurprd04.prod.outlook.com]',
    ],
  },
  {
    code: 'smtp_auth_policy',
    class: 'authentication',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'mailbox',
    title: 'A policy refused the sign-in',
    cause:
      'Conditional Access, an authentication policy or the mailbox’s SMTP AUTH switch refused the request; Exchange does not say which.',
    remedy: `First the switch: ${allowMailbox}. Then Entra admin center, Monitoring, Sign-in logs, Service principal sign-ins: find the failed sign-in and read which policy decided. Then \`Get-User -Identity <mailbox> | Format-List AuthenticationPolicy\`. A change may still be propagating.`,
    source: sources.smtpAuthSwitch,
    matches: [{ textPattern: /did not meet the criteria to be authenticated/i }],
    samples: [
      '535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated successfully. Contact your administrator. [BN9PR03CA0716.namprd03.prod.outlook.com 2026-07-01T01:57:31.695Z 08DED6A3FAA75B29]',
    ],
  },
  {
    code: 'smtp_auth_organisation',
    class: 'authentication',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'mailbox',
    title: 'The organisation’s configuration does not allow the sign-in',
    cause: 'An authentication policy of Exchange applies to this mailbox and does not allow the sign-in over SMTP.',
    remedy:
      'Find the policy: `Get-User -Identity <mailbox> | Format-List AuthenticationPolicy`, `Get-OrganizationConfig | Format-List DefaultAuthenticationPolicy`, `Get-AuthenticationPolicy | Format-List Name, AllowBasicAuthSmtp`. Give the mailbox another one: `Set-User -Identity <mailbox> -AuthenticationPolicy <policy>`.',
    source: sources.highVolume,
    matches: [{ textPattern: /organization configuration (?:doesn['’]t|does not) allow this authentication/i }],
    samples: [
      "535 5.7.139 Authentication unsuccessful, the organization configuration doesn't allow this authentication request. [AM0PR04CA0001.eurprd04.prod.outlook.com]",
    ],
  },
  {
    code: 'smtp_auth_sts_unreachable',
    class: 'transient',
    retry: 'slow',
    breaker: 'opens',
    scope: 'mailbox',
    title: 'The organisation’s own sign-in service could not be reached',
    cause:
      'The domain is federated, and Exchange could not reach the federation service (AD FS) on premises, or its address is not https.',
    remedy:
      'Bring the federation service back and check that its address answers from the Internet: `curl -sSI https://<adfs>/adfs/ls/idpinitiatedsignon.aspx`. See which domains are federated: `az rest --method get --url https://graph.microsoft.com/v1.0/domains --query "value[].{id:id, type:authenticationType}"`. An app-only token does not pass through it.',
    source: sources.devicesAndApps,
    matches: [{ textPattern: /federated STS service was unreachable|STS URL does not support HTTPS/i }],
    samples: [
      '535 5.7.139 Authentication unsuccessful, federated STS service was unreachable. [AM0PR04CA0001.eurprd04.prod.outlook.com]',
      '535 5.7.139 Authentication unsuccessful, STS URL does not support HTTPS. [AM0PR04CA0001.eurprd04.prod.outlook.com]',
    ],
  },
  {
    code: 'smtp_auth_permissions_invalid',
    class: 'authentication',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'app',
    title: 'The token carries the wrong API permissions (535 5.7.144)',
    cause:
      'The token was understood, and what it grants does not allow sending over SMTP: another permission than SMTP.SendAsApp, or both ways of granting mixed.',
    remedy:
      'Choose one way. App RBAC: no API permission at all; remove SMTP.SendAsApp in Entra admin center, App registrations, your app, API permissions, and check `Test-ServicePrincipalAuthorization -Identity <appId> -Resource <mailbox>`. Claim: SMTP.SendAsApp of Office 365 Exchange Online with admin consent, `az ad app permission admin-consent --id <appId>`. A change may still be propagating.',
    source: sources.appRbac,
    matches: [{ enhanced: ['5.7.144'] }, { textPattern: /invalid API permissions/i }],
    samples: [
      '535 5.7.144 XOAUTH2 authentication failed. Invalid API permissions. [AM0PR04CA0001.eurprd04.prod.outlook.com]',
    ],
  },
  {
    code: 'smtp_auth_required',
    class: 'authentication',
    retry: 'onceRefreshed',
    breaker: 'opens',
    scope: 'mailbox',
    title: 'The server says that nobody has signed in (5.7.57)',
    cause:
      'MAIL FROM was sent on a connection without a sign-in, or the sign-in before it had failed. When the text holds an inner “Error: 535 …”, that inner text is the cause and is looked up in place of this one.',
    remedy:
      'Look at the reply to AUTH on the same connection: `npm run explain -- "<reply>"`. If it comes alone and again, check that `SMTP_HOST` is the submission server (smtp.office365.com, port 587) and not a relay on port 25.',
    source: sources.bounces,
    matches: [
      { enhanced: ['5.7.57'] },
      { textPattern: /client (?:was |is )?not authenticated/i, enhanced: ['5.7.57', '5.7.1', '5.7.0'] },
      { replyCodes: [530] },
    ],
    samples: [
      '530 5.7.57 Client not authenticated to send mail. [AM0PR04CA0001.eurprd04.prod.outlook.com 2026-11-20T10:00:00.000Z 08DE27F3A1B2C3D4]',
      '530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM [AM6PR0732BE0065.eurprd07.prod.outlook.com]',
      '550 5.7.57 Client not authenticated to send mail.',
      '535 5.7.57 Client not authenticated to send mail.',
    ],
  },
  {
    code: 'smtp_xoauth2_not_offered',
    class: 'configuration',
    retry: 'slow',
    breaker: 'opens',
    scope: 'service',
    title: 'The server does not offer XOAUTH2 after TLS',
    cause:
      'The answer to EHLO after TLS lacks AUTH XOAUTH2, or the server does not know the mechanism. So this is not Exchange Online’s submission service; nothing is sent, and the token stays here.',
    remedy:
      'Check `SMTP_HOST` and `SMTP_PORT` (smtp.office365.com, 587). Look at the answer: `openssl s_client -starttls smtp -crlf -connect smtp.office365.com:587`, then type `EHLO test`; a line `250-AUTH LOGIN XOAUTH2` must come.',
    source: sources.rfc4954,
    matches: [
      { errorCodes: ['XOAUTH2_NOT_OFFERED'] },
      { textPattern: /XOAUTH2 (?:is |was )?not (?:offered|supported|advertised)/i },
      { replyCodes: [504], textPattern: /unrecognized authentication type|mechanism/i },
      { stages: ['auth'], replyCodes: [500, 502, 504] },
    ],
    samples: [
      '504 5.7.4 Unrecognized authentication type [AM0PR04CA0001.eurprd04.prod.outlook.com]',
      'Error: XOAUTH2 is not offered by the server after TLS',
    ],
  },
  {
    code: 'smtp_auth_refused',
    class: 'authentication',
    retry: 'onceRefreshed',
    breaker: 'opens',
    scope: 'mailbox',
    title: 'The sign-in was refused with a text that is not known here',
    cause: 'The server refused AUTH, and neither its number nor its text has an entry of its own here.',
    remedy: `Read the server’s text. Then check what most often is missing: ${allowMailbox}, \`Get-ServicePrincipal | Format-List DisplayName, AppId, ObjectId\` and \`Test-ServicePrincipalAuthorization -Identity <appId> -Resource <mailbox>\`. A change may still be propagating.`,
    source: sources.smtpOAuth,
    matches: [
      { stages: ['auth'], enhanced: ['5.7.139', '5.7.8', '5.7.9'] },
      { replyCodes: [535, 534] },
      // Without a reply, and so without a reason.
      { errorCodes: ['EAUTH'] },
    ],
    samples: [
      '535 5.7.139 Authentication unsuccessful, a reason that nobody has seen yet. [AM0PR04CA0001.eurprd04.prod.outlook.com]',
      "Error: Invalid login: 535 5.7.8 Authentication credentials invalid { code: 'EAUTH', responseCode: 535, command: 'AUTH XOAUTH2' }",
    ],
  },
] as const satisfies readonly CatalogueEntry[];
