metadata name = 'Exosend app settings'
metadata description = 'The app settings that tell Exosend what to do, made from the parameters. Those that the platform needs are in modules/app.bicep.'

import { alertChannel, caller, eventWebhook, sender } from './types.bicep'

@export()
@sealed()
@description('Everything that a deployment tells the app about mail.')
type mailConfig = {
  vaultUri: string
  tenantId: string
  clientId: string
  appObjectId: string
  mailbox: string
  certificateName: string
  senders: sender[]
  callers: caller[]
  callerAuth: string
  mode: string
  allowList: string[]
  eventWebhooks: eventWebhook[]
  alertChannels: alertChannel[]
  probeSchedule: string
  canaryTo: string
  canarySchedule: string
  certificateRotation: string
  certificateRotationGraceHours: int
  contentRetentionHours: int
  recordRetentionDays: int
  deadlineHours: int
  smtpHost: string
  smtpPort: int
  authorityHost: string
  graphUrl: string
  tokenScope: string
}

@export()
@description('One mailbox by four settings, or many by MAIL_SENDERS, which takes their place.')
func senderSettings(mail mailConfig) object =>
  empty(mail.senders)
    ? {
        MAIL_TENANT_ID: mail.tenantId
        MAIL_CLIENT_ID: mail.clientId
        MAIL_APP_OBJECT_ID: mail.appObjectId
        MAIL_MAILBOX: mail.mailbox
        MAIL_CERTIFICATE_NAME: mail.certificateName
      }
    : { MAIL_SENDERS: string(mail.senders) }

@export()
@description('Name and value of each setting. MAIL_CALLERS is left out where nobody is named: an empty list would mean that nobody may call.')
func mailSettings(mail mailConfig) object => {
  ...senderSettings(mail)
  ...(empty(mail.callers) ? {} : { MAIL_CALLERS: string(mail.callers) })
  ...(empty(mail.canaryTo) ? {} : { PROBE_CANARY_TO: mail.canaryTo })
  KEY_VAULT_URL: mail.vaultUri
  MAIL_CALLER_AUTH: mail.callerAuth
  MAIL_MODE: mail.mode
  MAIL_ALLOW_LIST: string(mail.allowList)
  EVENT_WEBHOOKS: string(mail.eventWebhooks)
  ALERT_CHANNELS: string(mail.alertChannels)
  PROBE_SCHEDULE: mail.probeSchedule
  PROBE_CANARY_SCHEDULE: mail.canarySchedule
  CERTIFICATE_ROTATION: mail.certificateRotation
  CERTIFICATE_ROTATION_GRACE_HOURS: string(mail.certificateRotationGraceHours)
  CONTENT_RETENTION_HOURS: string(mail.contentRetentionHours)
  RECORD_RETENTION_DAYS: string(mail.recordRetentionDays)
  MAIL_DEADLINE_HOURS: string(mail.deadlineHours)
  SMTP_HOST: mail.smtpHost
  SMTP_PORT: string(mail.smtpPort)
  AZURE_AUTHORITY_HOST: mail.authorityHost
  MICROSOFT_GRAPH_URL: mail.graphUrl
  MAIL_TOKEN_SCOPE: mail.tokenScope
}

@export()
@description('The mailboxes that are sent from, in lower case: the alert on a silent probe expects each of them.')
func mailboxesOf(mailbox string, senders sender[]) string[] =>
  map(
    filter(
      empty(senders) ? [mailbox] : flatten(map(senders, entry => entry.?mailboxes ?? [entry.?mailbox ?? ''])),
      address => !empty(address)
    ),
    address => toLower(address)
  )
