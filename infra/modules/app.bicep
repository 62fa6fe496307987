metadata name = 'Function app'
metadata description = 'The Flex Consumption plan and the function app on it, reaching everything else by its managed identity.'

import { alwaysReady } from '../types.bicep'

@description('Required. Name of the function app, unique in Azure. The host tells apps that share a storage account apart by the first 32 characters.')
@maxLength(32)
param name string

@description('Required. Name of the plan. A Flex Consumption plan holds one app.')
param planName string

@description('Required. Azure region.')
param location string

@description('Required. Tags of every resource.')
param tags object

@description('Required. Resource id of the app\'s managed identity.')
param identityId string

@description('Required. Client id of the app\'s managed identity.')
param identityClientId string

@description('Required. Addresses of the storage services and the container of the deployment package.')
param storage { blobEndpoint: string, queueEndpoint: string, tableEndpoint: string, deploymentContainerName: string }

@description('Required. Connection string of Application Insights.')
param applicationInsightsConnectionString string

@description('Required. The app settings about mail.')
param mailSettings object

@description('Required. Version of Node.js.')
param nodeVersion string

@description('Required. Memory of an instance, in MB.')
param instanceMemoryMB int

@description('Required. On-demand instances that each group of functions may have at once.')
param maximumInstanceCount int

@description('Required. HTTP requests that an instance takes at once.')
param httpConcurrency int

@description('Required. Instances that run all the time.')
param alwaysReadyInstances alwaysReady[]

@description('Required. Whether the plan spreads over availability zones.')
param zoneRedundant bool

var settings = {
  ...mailSettings
  // The host's own storage by identity. A plain AzureWebJobsStorage must not stand beside these.
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  AzureWebJobsStorage__blobServiceUri: storage.blobEndpoint
  AzureWebJobsStorage__queueServiceUri: storage.queueEndpoint
  AzureWebJobsStorage__tableServiceUri: storage.tableEndpoint
  AZURE_CLIENT_ID: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true, zoneRedundant: zoneRedundant }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  // azd finds the app by this tag.
  tags: { ...tags, 'azd-service-name': 'exosend' }
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    publicNetworkAccess: 'Enabled'
    keyVaultReferenceIdentity: identityId
    siteConfig: {
      minTlsVersion: '1.2'
      ftpsState: 'Disabled'
      http20Enabled: true
      appSettings: map(items(settings), setting => { name: setting.key, value: setting.value })
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storage.blobEndpoint}${storage.deploymentContainerName}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: { name: 'node', version: nodeVersion }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReadyInstances
        triggers: { http: { perInstanceConcurrency: httpConcurrency } }
      }
    }
  }
}

// Deployment goes by Entra ID tokens; the user name and password of publishing profiles are off.
resource noBasicDeployment 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: { allow: false }
}

@description('Name of the function app.')
output name string = app.name

@description('Address of the app.')
output url string = 'https://${app.properties.defaultHostName}'
