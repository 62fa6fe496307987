metadata name = 'Exosend types'
metadata description = 'The shapes of the parameters. They have no place for a secret: where one is needed, the name of a Key Vault secret stands.'

@export()
@sealed()
@description('How the app proves itself to Entra ID: a certificate in Key Vault. With sign "vault" its key never leaves the vault.')
type certificateCredential = {
  kind: 'certificate'
  @description('Required. Name of the certificate in Key Vault.')
  name: string
  @description('Optional. Where assertions are signed; "local" by default.')
  sign: ('local' | 'vault')?
  @description('Optional. Object id of the App registration, not of its Enterprise application. Needed to renew the certificate by the app.')
  applicationObjectId: string?
}

@export()
@sealed()
@description('The managed identity as federated credential: no secret at all.')
type managedIdentityCredential = {
  kind: 'managedIdentity'
  @description('Optional. Client id of another identity than the app\'s own.')
  clientId: string?
}

@export()
@sealed()
@description('A client secret, kept in Key Vault.')
type secretCredential = {
  kind: 'secret'
  @description('Required. Name of the secret in Key Vault.')
  name: string
}

@export()
@discriminator('kind')
@description('What MAIL_SENDERS takes as credential.')
type credential = certificateCredential | managedIdentityCredential | secretCredential

@export()
@sealed()
@description('Limits of a mailbox, where they differ from those of Exchange Online.')
type mailboxLimits = {
  @description('Optional. Messages in any 60 seconds.')
  messagesPerMinute: int?
  @description('Optional. Recipients in any 24 hours.')
  recipientsPerDay: int?
  @description('Optional. SMTP connections at once.')
  connections: int?
  @description('Optional. Recipients of one message.')
  recipientsPerMessage: int?
  @description('Optional. Size of the composed mail, in bytes.')
  messageBytes: int?
}

@export()
@sealed()
@description('One entry of MAIL_SENDERS: either mailbox or mailboxes.')
type sender = {
  mailbox: string?
  mailboxes: string[]?
  @description('Optional. From addresses: an address or *@domain. The mailbox itself by default.')
  from: string[]?
  tenantId: string
  clientId: string
  credential: credential
  limits: mailboxLimits?
  authorization: ('appRbac' | 'claim')?
}

@export()
@sealed()
@description('One entry of MAIL_CALLERS: keySha256 (mode key) or appId (mode entra).')
type caller = {
  name: string
  @description('Optional. SHA-256 of the function key, 64 hexadecimal digits. It is no secret.')
  keySha256: string?
  appId: string?
  from: string[]?
  recipientDomains: string[]?
  messagesPerMinute: int?
  messagesPerDay: int?
  @description('Optional. Size of the composed mail, in bytes.')
  messageBytes: int?
  operator: bool?
}

@export()
@sealed()
@description('One entry of EVENT_WEBHOOKS: url or urlName, and the Key Vault name of its signing secret.')
type eventWebhook = {
  url: string?
  urlName: string?
  secretName: string
  types: string[]?
}

@export()
@sealed()
type webhookChannel = {
  kind: 'webhook'
  url: string?
  urlName: string?
  secretName: string
}

@export()
@sealed()
@description('Teams (Workflows): its address is the secret, so it stands in Key Vault.')
type teamsChannel = { kind: 'teams', urlName: string }

@export()
@sealed()
@description('Slack: its address is the secret, so it stands in Key Vault.')
type slackChannel = { kind: 'slack', urlName: string }

@export()
@sealed()
type pagerDutyChannel = { kind: 'pagerduty', keyName: string, url: string? }

@export()
@sealed()
type heartbeatChannel = { kind: 'heartbeat', urlName: string }

@export()
@discriminator('kind')
@description('One entry of ALERT_CHANNELS.')
type alertChannel = webhookChannel | teamsChannel | slackChannel | pagerDutyChannel | heartbeatChannel

@export()
@sealed()
@description('Instances that run all the time, billed whether they work or not.')
type alwaysReady = {
  @description('Required. "http" or "function:<name>".')
  name: string
  @minValue(0)
  instanceCount: int
}
