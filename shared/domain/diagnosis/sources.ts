/** Public pages from which the catalogue takes its facts. Named once, so that a moved page is one edit. */
export const sources = {
  appRbac:
    'https://github.com/MicrosoftDocs/office-developer-exchange-docs/blob/main/docs/legacy-protocols/smtp-app-rbac-onboarding.md',
  smtpOAuth:
    'https://github.com/MicrosoftDocs/office-developer-exchange-docs/blob/main/docs/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth.md',
  smtpAuthSwitch:
    'https://learn.microsoft.com/exchange/clients-and-mobile-in-exchange-online/authenticated-client-smtp-submission',
  smtpSubmission: 'https://learn.microsoft.com/exchange/troubleshoot/send-emails/smtp-submission-improvements',
  continuousErrors:
    'https://learn.microsoft.com/exchange/mail-flow-best-practices/continuous-error-throttling-smtp-auth-submissions',
  bounces:
    'https://learn.microsoft.com/troubleshoot/exchange/email-delivery/ndr/non-delivery-reports-in-exchange-online',
  basicAuthEnd:
    'https://techcommunity.microsoft.com/blog/exchange/exchange-online-to-retire-basic-auth-for-client-submission-smtp-auth/4114750',
  devicesAndApps:
    'MicrosoftDocs/OfficeDocs-Support, Exchange Online: problems of printers, scanners and business applications',
  highVolume: 'https://learn.microsoft.com/exchange/mail-flow-best-practices/high-volume-mails-m365',
  tenantLimit: 'https://techcommunity.microsoft.com/blog/exchange/4372797',
  aadsts: 'https://learn.microsoft.com/entra/identity-platform/reference-error-codes',
  federation: 'https://learn.microsoft.com/entra/workload-id/workload-identity-federation',
  msal: 'https://github.com/AzureAD/microsoft-authentication-library-for-js (msal-common, ThrottlingUtils)',
  vaultErrors: 'https://learn.microsoft.com/azure/key-vault/general/rest-error-codes',
  vaultRoles: 'https://learn.microsoft.com/azure/key-vault/general/rbac-guide',
  vaultCertificates: 'https://learn.microsoft.com/azure/key-vault/certificates/about-certificates',
  managedIdentity: 'https://learn.microsoft.com/azure/app-service/overview-managed-identity',
  azureCli: 'https://learn.microsoft.com/cli/azure/authenticate-azure-cli',
  storageErrors: 'https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes',
  storageRoles: 'https://learn.microsoft.com/azure/storage/blobs/assign-azure-role-data-access',
  nodeErrors: 'https://nodejs.org/api/errors.html#common-system-errors',
  nodeTls: 'https://nodejs.org/api/tls.html#x509-certificate-error-codes',
  nodemailer: 'https://github.com/nodemailer/nodemailer (smtp-connection)',
  rfc1047: 'https://www.rfc-editor.org/rfc/rfc1047',
  rfc3207: 'https://www.rfc-editor.org/rfc/rfc3207',
  rfc3463: 'https://www.rfc-editor.org/rfc/rfc3463',
  rfc4954: 'https://www.rfc-editor.org/rfc/rfc4954',
  rfc5321: 'https://www.rfc-editor.org/rfc/rfc5321',
  own: 'Exosend itself',
} as const;
