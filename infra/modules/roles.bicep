metadata name = 'Roles of the app'
metadata description = 'What the app\'s identity may do, and where. docs/deployment.md says why; a test holds that table against this file.'

@description('Required. Object id of the managed identity.')
param principalId string

@description('Required. Name of the storage account.')
param storageAccountName string

@description('Required. Name of the vault.')
param vaultName string

@description('Required. Name of the Application Insights component.')
param applicationInsightsName string

@description('Required. Whether assertions are signed inside the vault.')
param signsInVault bool

@description('Required. Whether the app renews its own certificate.')
param rotatesCertificate bool

@description('Required. Object ids of the identities (managed identities, service principals) that put requests on the queue mail-requests.')
param producerPrincipalIds string[]

var roles = {
  'Storage Blob Data Owner': 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  'Storage Blob Data Contributor': 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  'Storage Queue Data Contributor': '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  'Storage Queue Data Message Sender': 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'
  'Storage Table Data Contributor': '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  'Key Vault Secrets User': '4633458b-17de-408a-b874-0445c86b69e6'
  'Key Vault Crypto User': '12338af0-0e69-4776-bea7-57ae8d297424'
  'Key Vault Certificates Officer': 'a4417e6f-fecd-4de8-b567-7b0420556985'
  'Monitoring Metrics Publisher': '3913510d-42f4-4e42-8a64-420c390055eb'
}

// The role assignments of one place in Azure are made one by one, so that each names its place and reads as a sentence.
var storageRoles = ['Storage Blob Data Owner', 'Storage Queue Data Contributor', 'Storage Table Data Contributor']
var vaultRoles = concat(
  ['Key Vault Secrets User'],
  signsInVault || rotatesCertificate ? ['Key Vault Crypto User'] : [],
  rotatesCertificate ? ['Key Vault Certificates Officer'] : []
)

resource storage 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: storageAccountName

  resource blobService 'blobServices' existing = {
    name: 'default'

    resource intake 'containers' existing = {
      name: 'mail-intake'
    }
  }

  resource queueService 'queueServices' existing = {
    name: 'default'

    resource requests 'queues' existing = {
      name: 'mail-requests'
    }
  }
}

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: vaultName
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource onStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in storageRoles: {
    name: guid(storage.id, principalId, roles[role])
    scope: storage
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[role])
      principalId: principalId
      // Stated, so that an identity made a second ago is not looked up in a directory that does not show it yet.
      principalType: 'ServicePrincipal'
    }
  }
]

resource onVault 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in vaultRoles: {
    name: guid(vault.id, principalId, roles[role])
    scope: vault
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[role])
      principalId: principalId
      principalType: 'ServicePrincipal'
    }
  }
]

resource onApplicationInsights 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(applicationInsights.id, principalId, roles['Monitoring Metrics Publisher'])
  scope: applicationInsights
  properties: {
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      roles['Monitoring Metrics Publisher']
    )
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

resource producersOnQueue 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for producer in producerPrincipalIds: {
    name: guid(storage::queueService::requests.id, producer, roles['Storage Queue Data Message Sender'])
    scope: storage::queueService::requests
    properties: {
      roleDefinitionId: subscriptionResourceId(
        'Microsoft.Authorization/roleDefinitions',
        roles['Storage Queue Data Message Sender']
      )
      principalId: producer
      principalType: 'ServicePrincipal'
    }
  }
]

resource producersOnIntake 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for producer in producerPrincipalIds: {
    name: guid(storage::blobService::intake.id, producer, roles['Storage Blob Data Contributor'])
    scope: storage::blobService::intake
    properties: {
      roleDefinitionId: subscriptionResourceId(
        'Microsoft.Authorization/roleDefinitions',
        roles['Storage Blob Data Contributor']
      )
      principalId: producer
      principalType: 'ServicePrincipal'
    }
  }
]
