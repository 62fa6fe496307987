metadata name = 'Key Vault'
metadata description = 'The vault with the app\'s certificate and the secrets of webhooks and alert channels. Certificates are made on its data plane: Azure Resource Manager has no type for them.'

@description('Required. Name of the vault, unique in Azure.')
@minLength(3)
@maxLength(24)
param name string

@description('Required. Azure region.')
param location string

@description('Required. Tags of every resource.')
param tags object

@description('Required. How long deleted objects can be recovered, in days. It cannot be changed after the vault was made.')
@minValue(7)
@maxValue(90)
param softDeleteRetentionInDays int

@description('Required. Resource id of the Log Analytics workspace that takes the audit log.')
param workspaceId string

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enablePurgeProtection: true
    enableSoftDelete: true
    softDeleteRetentionInDays: softDeleteRetentionInDays
    enabledForDeployment: false
    enabledForDiskEncryption: false
    enabledForTemplateDeployment: false
    // Open to the network and closed by Entra ID: without a virtual network the app has no address of its own.
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: 'Allow'
      ipRules: []
      virtualNetworkRules: []
    }
  }
}

// Who read what, and the near-expiry notice that Key Vault writes 30 days ahead; modules/alerts.bicep reads both.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logAnalyticsDestinationType: 'Dedicated'
    logs: [{ categoryGroup: 'audit', enabled: true }]
  }
}

@description('Name of the vault.')
output name string = vault.name

@description('Resource id of the vault.')
output id string = vault.id

@description('Address of the vault: the setting KEY_VAULT_URL.')
output uri string = vault.properties.vaultUri
