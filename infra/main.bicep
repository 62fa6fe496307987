metadata name = 'Exosend'
metadata description = 'Everything that Exosend needs in Azure, in one resource group. Deploying it twice changes nothing. The Entra side is entra.bicep (or entra/*.ps1), the Exchange side exchange/*.ps1.'

targetScope = 'resourceGroup'

import { alertChannel, alwaysReady, caller, eventWebhook, sender } from './types.bicep'
import { mailboxesOf, mailSettings } from './settings.bicep'

@description('Required. Name of the environment: part of every resource\'s name, and what azd calls it.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Optional. Azure region. The resource group\'s by default; it must offer Flex Consumption (az functionapp list-flexconsumption-locations).')
param location string = resourceGroup().location

@description('Optional. Further tags of every resource.')
param tags object = {}

// Mail.

@description('Optional. Tenant of Microsoft 365, as GUID or domain. The subscription\'s tenant by default; often it is another one.')
param mailTenantId string = tenant().tenantId

@description('Optional. Application (client) id of the mail app\'s registration; entra.bicep gives it. May come later: until then the app answers 503.')
param mailClientId string = ''

@description('Optional. Object id of the mail app\'s registration, not of its Enterprise application. Needed to renew the certificate by the app.')
param mailAppObjectId string = ''

@description('Optional. The one mailbox to send from. With senders it is not used.')
param mailbox string = ''

@description('Optional. Name of the certificate in the vault.')
param certificateName string = 'exosend-smtp'

@description('Optional. Several mailboxes, or other credentials than a certificate that is read from the vault: MAIL_SENDERS.')
param senders sender[] = []

@description('Optional. live; allow-list: only to allowList; sandbox: nothing leaves.')
@allowed(['live', 'allow-list', 'sandbox'])
param mailMode string = 'live'

@description('Optional. With mode allow-list: addresses and *@domain.')
param allowList string[] = []

@description('Optional. Hours that a mail\'s content is kept after it was sent. Its record is kept on.')
@minValue(0)
@maxValue(720)
param contentRetentionHours int = 0

@description('Optional. Days that a message\'s record is kept after its end.')
@minValue(8)
@maxValue(3650)
param recordRetentionDays int = 30

@description('Optional. Hours after which a message that could not be sent is given up.')
@minValue(1)
@maxValue(168)
param deadlineHours int = 24

@description('Optional. Submission server; another one in national clouds.')
param smtpHost string = 'smtp.office365.com'

@description('Optional. Port of the submission server.')
@minValue(1)
@maxValue(65535)
param smtpPort int = 587

@description('Optional. Address of Entra ID for the mail tenant.')
param authorityHost string = environment().authentication.loginEndpoint

@description('Optional. Microsoft Graph, which registers a renewed certificate; empty for that of the cloud of authorityHost.')
param graphUrl string = ''

@description('Optional. Scope of the mail token; another one in national clouds.')
param tokenScope string = 'https://outlook.office365.com/.default'

// Callers.

@description('Optional. Who may call, as whom, to where. Empty: whoever has a function key (or, with callerApiClientId, an app role).')
param callers caller[] = []

@description('Optional. Client id of the app registration that callers get tokens for (entra.bicep gives it). Given: App Service authentication is on and function keys are not asked for.')
param callerApiClientId string = ''

@description('Optional. Tenant of the callers.')
param callerTenantId string = tenant().tenantId

@description('Optional. Object ids of managed identities or service principals that put requests on the queue mail-requests.')
param producerPrincipalIds string[] = []

@description('Optional. Webhooks that are told what became of each message.')
param eventWebhooks eventWebhook[] = []

// Watching.

@description('Optional. When the probe runs: NCRONTAB with seconds, UTC.')
param probeSchedule string = '0 */5 * * * *'

@description('Optional. Window after which a mailbox without a result of the probe is alerted, ISO 8601; three times the probe\'s interval or more.')
@allowed(['PT15M', 'PT30M', 'PT1H', 'PT2H', 'PT6H'])
param probeSilentWindow string = 'PT15M'

@description('Optional. Address that a real mail is sent to now and then; empty = none.')
param canaryTo string = ''

@description('Optional. When the real mail is sent: NCRONTAB with seconds, UTC.')
param canarySchedule string = '0 0 */6 * * *'

@description('Optional. Where the app itself sends its alerts. Addresses and keys stand in Key Vault.')
param alertChannels alertChannel[] = []

@description('Optional. Addresses that Azure Monitor tells. Better none of the mailboxes sent from.')
param alertEmails string[] = []

@description('Optional. Resource ids of action groups that are told, too.')
param alertActionGroupIds string[] = []

@description('Optional. Whether the alert rules are on. Off is for the time before the first deployment of the code.')
param alertsEnabled bool = true

@description('Optional. Days that logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

// Certificates.

@description('Optional. Whether the app renews its certificate by a timer.')
@allowed(['off', 'on'])
param certificateRotation string = 'off'

@description('Optional. Hours that the old key stays registered after the new one is in use.')
@minValue(0)
@maxValue(720)
param certificateRotationGraceHours int = 24

@description('Optional. Days that deleted objects of the vault can be recovered. Fixed once the vault exists.')
@minValue(7)
@maxValue(90)
param vaultSoftDeleteDays int = 90

// Hosting.

@description('Optional. Version of Node.js.')
@allowed(['22', '24'])
param nodeVersion string = '24'

@description('Optional. Memory of an instance, in MB. With 2,048 several mails of 25 to 35 MB pass at once; 512 is for small mail.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Optional. On-demand instances that each group of functions may have. No limit of a mailbox depends on it; 40 is the lowest value that every region takes.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Optional. HTTP requests that an instance takes at once.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int = 8

@description('Optional. Instances that run all the time, for the first mail after a quiet while: "http" or "function:deliver". Billed by the hour.')
param alwaysReadyInstances alwaysReady[] = []

@description('Optional. Whether the plan spreads over availability zones; take a zone-redundant storageSku with it.')
param zoneRedundant bool = false

@description('Optional. Redundancy of the storage account. ZRS survives the loss of a zone, where the region has zones.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS', 'Standard_RAGRS', 'Standard_RAGZRS'])
param storageSku string = 'Standard_LRS'

var usesFederation = !empty(filter(senders, entry => entry.credential.kind == 'managedIdentity'))

// Names.

var token = uniqueString(resourceGroup().id, environmentName)
var shortName = toLower(replace(take(environmentName, 12), '_', '-'))
var allTags = { ...tags, 'azd-env-name': environmentName }
var names = {
  identity: 'id-exosend-${shortName}-${token}'
  workspace: 'log-exosend-${shortName}-${token}'
  applicationInsights: 'appi-exosend-${shortName}-${token}'
  storage: 'stexosend${token}'
  plan: 'plan-exosend-${shortName}-${token}'
  app: 'func-exosend-${token}'
  alerts: 'exosend-${shortName}'
}

@description('Optional. Name of the vault. A deleted vault keeps its name for vaultSoftDeleteDays; give another one to start afresh within that time.')
@minLength(3)
@maxLength(24)
param vaultName string = 'kv-exosend-${uniqueString(resourceGroup().id, environmentName)}'

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: names.identity
  location: location
  tags: allTags
}

module monitoring './modules/monitoring.bicep' = {
  params: {
    workspaceName: names.workspace
    applicationInsightsName: names.applicationInsights
    location: location
    tags: allTags
    retentionInDays: logRetentionDays
  }
}

module storage './modules/storage.bicep' = {
  params: {
    name: names.storage
    location: location
    tags: allTags
    skuName: storageSku
    intakeRetentionDays: 14
    poisonRetentionDays: recordRetentionDays
  }
}

module vault './modules/vault.bicep' = {
  params: {
    name: vaultName
    location: location
    tags: allTags
    softDeleteRetentionInDays: vaultSoftDeleteDays
    workspaceId: monitoring.outputs.workspaceId
  }
}

module roles './modules/roles.bicep' = {
  params: {
    principalId: identity.properties.principalId
    storageAccountName: names.storage
    vaultName: vaultName
    applicationInsightsName: names.applicationInsights
    signsInVault: !empty(filter(senders, entry => any(entry.credential).?sign == 'vault'))
    rotatesCertificate: certificateRotation == 'on'
    producerPrincipalIds: producerPrincipalIds
  }
  // By name and not by output, so that what-if can look into the module.
  dependsOn: [storage, vault, monitoring]
}

module app './modules/app.bicep' = {
  params: {
    name: names.app
    planName: names.plan
    location: location
    tags: allTags
    identityId: identity.id
    identityClientId: identity.properties.clientId
    storage: {
      blobEndpoint: storage.outputs.blobEndpoint
      queueEndpoint: storage.outputs.queueEndpoint
      tableEndpoint: storage.outputs.tableEndpoint
      deploymentContainerName: storage.outputs.deploymentContainerName
    }
    applicationInsightsConnectionString: monitoring.outputs.connectionString
    mailSettings: mailSettings({
      vaultUri: vault.outputs.uri
      tenantId: mailTenantId
      clientId: mailClientId
      appObjectId: mailAppObjectId
      mailbox: mailbox
      certificateName: certificateName
      senders: senders
      callers: callers
      callerAuth: empty(callerApiClientId) ? 'key' : 'entra'
      mode: mailMode
      allowList: allowList
      eventWebhooks: eventWebhooks
      alertChannels: alertChannels
      probeSchedule: probeSchedule
      canaryTo: canaryTo
      canarySchedule: canarySchedule
      certificateRotation: certificateRotation
      certificateRotationGraceHours: certificateRotationGraceHours
      contentRetentionHours: contentRetentionHours
      recordRetentionDays: recordRetentionDays
      deadlineHours: deadlineHours
      smtpHost: smtpHost
      smtpPort: smtpPort
      authorityHost: authorityHost
      graphUrl: graphUrl
      tokenScope: tokenScope
    })
    nodeVersion: nodeVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    httpConcurrency: httpConcurrency
    alwaysReadyInstances: alwaysReadyInstances
    zoneRedundant: zoneRedundant
  }
  // The app starts with its roles in place: without them its host could not read its own package.
  dependsOn: [roles]
}

module authentication './modules/authentication.bicep' = {
  params: {
    appName: names.app
    apiClientId: callerApiClientId
    tenantId: callerTenantId
  }
  dependsOn: [app]
}

module alerts './modules/alerts.bicep' = {
  params: {
    namePrefix: names.alerts
    location: location
    tags: allTags
    workspaceId: monitoring.outputs.workspaceId
    applicationInsightsId: monitoring.outputs.applicationInsightsId
    vaultId: vault.outputs.id
    mailboxes: mailboxesOf(mailbox, senders)
    emails: alertEmails
    actionGroupIds: alertActionGroupIds
    enabled: alertsEnabled
    probeSilentWindow: probeSilentWindow
  }
}

@description('Name of the function app.')
output AZURE_FUNCTION_APP_NAME string = app.outputs.name

@description('Address of the app.')
output EXOSEND_URL string = app.outputs.url

@description('Name of the vault.')
output AZURE_KEY_VAULT_NAME string = vault.outputs.name

@description('Address of the vault.')
output KEY_VAULT_URL string = vault.outputs.uri

@description('Name of the storage account.')
output AZURE_STORAGE_ACCOUNT_NAME string = storage.outputs.name

@description('Object id of the app\'s managed identity: the subject of a federated credential.')
output EXOSEND_IDENTITY_PRINCIPAL_ID string = identity.properties.principalId

@description('Client id of the app\'s managed identity.')
output EXOSEND_IDENTITY_CLIENT_ID string = identity.properties.clientId

@description('What is to be done next, one command or remark in each line.')
output NEXT_STEPS string[] = [
  '# Azure: may whoever runs the next command make certificates? Once, and to be taken back afterwards:'
  'az role assignment create --role "Key Vault Certificates Officer" --assignee <you> --scope ${vault.outputs.id}'
  '# Entra, an application administrator: register the mail app, unless that is done.'
  './infra/entra/Register-ExosendEntraApp.ps1 -TenantId ${mailTenantId}${usesFederation ? ' -ManagedIdentityPrincipalId ${identity.properties.principalId}' : ''}'
  '# Exchange, an Exchange administrator: let it send as the mailbox, by SMTP AUTH, and look whether that holds.'
  './infra/exchange/Register-ExosendApp.ps1 -AppId ${empty(mailClientId) ? '<client id>' : mailClientId} -Mailbox ${empty(mailbox) ? '<mailbox>' : mailbox}'
  './infra/exchange/Set-SmtpAuth.ps1 -Mailbox ${empty(mailbox) ? '<mailbox>' : mailbox} -State Enabled'
  './infra/exchange/Test-ExosendAccess.ps1 -AppId ${empty(mailClientId) ? '<client id>' : mailClientId} -Mailbox ${empty(mailbox) ? '<mailbox>' : mailbox}'
  '# Then: docs/deployment.md, "The certificate" and "The code".'
]
