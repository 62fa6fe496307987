using './main.bicep'

// Values come from the environment, which azd fills from `azd env set NAME value`; each has a default. What is a list
// is written here: it is reviewed with the rest, and holds no secret.

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'exosend')
param mailClientId = readEnvironmentVariable('MAIL_CLIENT_ID', '')
param mailAppObjectId = readEnvironmentVariable('MAIL_APP_OBJECT_ID', '')
param mailbox = readEnvironmentVariable('MAIL_MAILBOX', '')
param certificateName = readEnvironmentVariable('MAIL_CERTIFICATE_NAME', 'exosend-smtp')
param mailMode = readEnvironmentVariable('MAIL_MODE', 'live')
param callerApiClientId = readEnvironmentVariable('EXOSEND_API_CLIENT_ID', '')
param canaryTo = readEnvironmentVariable('PROBE_CANARY_TO', '')
param alertEmails = empty(readEnvironmentVariable('EXOSEND_ALERT_EMAILS', ''))
  ? []
  : split(readEnvironmentVariable('EXOSEND_ALERT_EMAILS', ''), ',')

// Several mailboxes, in place of MAIL_CLIENT_ID, MAIL_MAILBOX and MAIL_CERTIFICATE_NAME:
//
// param senders = [
//   {
//     mailboxes: ['billing@contoso.com', 'billing2@contoso.com']
//     from: ['*@contoso.com']
//     tenantId: '00000000-0000-0000-0000-000000000000'
//     clientId: '00000000-0000-0000-0000-000000000000'
//     credential: { kind: 'certificate', name: 'exosend-smtp', sign: 'vault' }
//   }
// ]
