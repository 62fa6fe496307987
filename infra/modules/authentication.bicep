metadata name = 'App Service authentication'
metadata description = 'On, it lets in only who has a token of Entra ID for the callers\' app registration. Which app role a caller needs is the app\'s own check (MAIL_CALLER_AUTH=entra).'

@description('Required. Name of the function app.')
param appName string

@description('Required. Client id of the app registration that callers get tokens for; empty = off. Off is written, too, so that it ends what an earlier deployment turned on.')
param apiClientId string

@description('Required. Tenant whose tokens callers come with.')
param tenantId string

var isOn = !empty(apiClientId)
// What a monitor or a browser asks for before anybody has a token. The dashboard's page holds no data.
var openPaths = ['/api/health', '/api/dashboard', '/api/docs', '/api/openapi.json']

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: appName
}

resource authentication 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: { enabled: isOn }
    globalValidation: {
      requireAuthentication: isOn
      unauthenticatedClientAction: isOn ? 'Return401' : 'AllowAnonymous'
      excludedPaths: openPaths
    }
    httpSettings: { requireHttps: true }
    login: { tokenStore: { enabled: false } }
    identityProviders: isOn
      ? {
          azureActiveDirectory: {
            enabled: true
            registration: {
              clientId: apiClientId
              openIdIssuer: uri(environment().authentication.loginEndpoint, '${tenantId}/v2.0')
            }
            validation: { allowedAudiences: [apiClientId, 'api://${apiClientId}'] }
          }
        }
      : {}
  }
}
