metadata name = 'Storage'
metadata description = 'The one storage account: the Functions host\'s own data, the deployment package, and every queue, table and container that Exosend uses.'

@description('Required. Name of the storage account: 3 to 24 lower-case letters and digits, unique in Azure.')
@minLength(3)
@maxLength(24)
param name string

@description('Required. Azure region.')
param location string

@description('Required. Tags of every resource.')
param tags object

@description('Required. Redundancy of the account.')
param skuName string

@description('Required. Days after which a request\'s attachment in mail-intake is deleted.')
param intakeRetentionDays int

@description('Required. Days after which the raw text of an unreadable queue message in mail-poison is deleted.')
param poisonRetentionDays int

// With a poison queue for each: the host makes one only when it needs it, and by then an alert should already find it.
var queueNames = ['mail-requests', 'mail-submissions', 'mail-submissions-high', 'mail-events']
var tableNames = ['messages', 'mailboxes', 'callers', 'probes', 'incidents']
var containerNames = ['mail-content', 'mail-intake', 'mail-poison', 'mail-slots']
var deploymentContainerName = 'app-package'

// The app deletes a mail's content itself. A mail may wait 7 days for its time and 7 for its recipients, and be kept 30
// days after; what is older than twice that belongs to no message.
var contentOrphanDays = 90
var blobsToDelete = [
  { container: 'mail-content', days: contentOrphanDays }
  { container: 'mail-intake', days: intakeRetentionDays }
  { container: 'mail-poison', days: poisonRetentionDays }
]

resource account 'Microsoft.Storage/storageAccounts@2026-04-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: skuName }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    // Open to the network and closed by Entra ID: without a virtual network the app has no address of its own.
    publicNetworkAccess: 'Enabled'
    networkAcls: { bypass: 'AzureServices', defaultAction: 'Allow' }
  }
}

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' = {
  parent: account
  name: 'default'
  properties: {
    // A mail that was sent is gone: soft delete would keep every body for days after CONTENT_RETENTION_HOURS.
    deleteRetentionPolicy: { enabled: false }
    containerDeleteRetentionPolicy: { enabled: true, days: 7 }
  }
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' = [
  for container in concat(containerNames, [deploymentContainerName]): {
    parent: blobService
    name: container
    properties: { publicAccess: 'None' }
  }
]

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2026-04-01' = {
  parent: account
  name: 'default'
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices/queues@2026-04-01' = [
  for queue in concat(queueNames, map(queueNames, one => '${one}-poison')): {
    parent: queueService
    name: queue
  }
]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2026-04-01' = {
  parent: account
  name: 'default'
}

resource tables 'Microsoft.Storage/storageAccounts/tableServices/tables@2026-04-01' = [
  for table in tableNames: {
    parent: tableService
    name: table
  }
]

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2026-04-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        for rule in blobsToDelete: {
          name: 'delete-${rule.container}'
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: { blobTypes: ['blockBlob'], prefixMatch: ['${rule.container}/'] }
            actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: rule.days } } }
          }
        }
      ]
    }
  }
  dependsOn: [blobService]
}

@description('Name of the account.')
output name string = account.name

@description('Address of the blob service, with a slash at its end.')
output blobEndpoint string = account.properties.primaryEndpoints.blob

@description('Address of the queue service, with a slash at its end.')
output queueEndpoint string = account.properties.primaryEndpoints.queue

@description('Address of the table service, with a slash at its end.')
output tableEndpoint string = account.properties.primaryEndpoints.table

@description('Name of the container that the deployment package goes into.')
output deploymentContainerName string = deploymentContainerName
