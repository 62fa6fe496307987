metadata name = 'Exosend in Entra ID'
metadata description = 'App registrations by the Microsoft Graph extension (Azure public cloud; the subscription has to be in the tenant of Microsoft 365). Elsewhere entra/Register-ExosendEntraApp.ps1 does the same.'

targetScope = 'resourceGroup'

extension microsoftGraphV1

@description('Optional. Key of the mail app\'s registration: unique in the tenant and never changed afterwards.')
param uniqueName string = 'exosend'

@description('Optional. Name that administrators see.')
param displayName string = 'Exosend'

@description('Optional. Object id of the managed identity (output EXOSEND_IDENTITY_PRINCIPAL_ID) that may prove itself as the mail app: the credential kind "managedIdentity". Empty = none.')
param managedIdentityPrincipalId string = ''

@description('Optional. Claim mode: the API permission SMTP.SendAsApp and its consent, for all mailboxes that FullAccess is given on. Leave it off with App RBAC, the default: Microsoft asks not to mix the two.')
param claimMode bool = false

@description('Optional. Whether callers come with Entra ID tokens: makes the registration that they get tokens for, with its app roles.')
param callerRoles bool = false

@description('Optional. Managed identities and service principals (object ids) that may call, each with one role.')
param callers { principalId: string, role: 'Mail.Send' | 'Mail.Operate' }[] = []

var exchangeOnlineAppId = '00000002-0000-0ff1-ce00-000000000000'
// Ids of our own app roles: made once, and the same in entra/Register-ExosendEntraApp.ps1.
var roleIds = {
  'Mail.Send': '6d1f0c5e-3f0a-4b0e-9d53-6d5a0b7f6c11'
  'Mail.Operate': 'b4a0a8c2-7d0e-4a57-8f0c-2f9f2a6d9e42'
}
var federationAudiences = {
  AzureCloud: 'api://AzureADTokenExchange'
  AzureUSGovernment: 'api://AzureADTokenExchangeUSGov'
  AzureChinaCloud: 'api://AzureADTokenExchangeChina'
}

resource exchangeOnline 'Microsoft.Graph/servicePrincipals@v1.0' existing = if (claimMode) {
  appId: exchangeOnlineAppId
}

// Looked up by its value: wrong ids of this role are in circulation.
var sendAsAppId = filter(exchangeOnline.?appRoles ?? [], role => role.value == 'SMTP.SendAsApp')[?0].?id ?? ''

// The certificate is no part of this: what a template lists replaces what is there, so a redeployment would take a
// renewed certificate away and stop the mail. `npm run credential` looks after it.
resource mailApp 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: uniqueName
  displayName: displayName
  description: 'Sends mail through Exchange Online.'
  signInAudience: 'AzureADMyOrg'
  servicePrincipalLockConfiguration: { isEnabled: true, allProperties: true }
  requiredResourceAccess: claimMode
    ? [{ resourceAppId: exchangeOnlineAppId, resourceAccess: [{ id: sendAsAppId, type: 'Role' }] }]
    : []
}

resource federation 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = if (!empty(managedIdentityPrincipalId)) {
  name: '${mailApp.uniqueName}/exosend-managed-identity'
  description: 'The managed identity of the function app.'
  issuer: uri(environment().authentication.loginEndpoint, '${tenant().tenantId}/v2.0')
  subject: managedIdentityPrincipalId
  audiences: [federationAudiences[environment().name]]
}

resource mailPrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: mailApp.appId
  accountEnabled: true
}

resource consent 'Microsoft.Graph/appRoleAssignedTo@v1.0' = if (claimMode) {
  appRoleId: sendAsAppId
  principalId: mailPrincipal.id
  resourceId: exchangeOnline.?id ?? ''
}

resource callerApi 'Microsoft.Graph/applications@v1.0' = if (callerRoles) {
  uniqueName: '${uniqueName}-api'
  displayName: '${displayName} API'
  description: 'What callers of Exosend get tokens for.'
  signInAudience: 'AzureADMyOrg'
  servicePrincipalLockConfiguration: { isEnabled: true, allProperties: true }
  // Version 2: the audience is the client id, so no identifier URI is needed.
  api: { requestedAccessTokenVersion: 2 }
  appRoles: [
    {
      id: roleIds['Mail.Send']
      value: 'Mail.Send'
      displayName: 'Send mail'
      description: 'Send mail and see what became of it.'
      allowedMemberTypes: ['Application']
      isEnabled: true
    }
    {
      id: roleIds['Mail.Operate']
      value: 'Mail.Operate'
      displayName: 'Operate'
      description: 'See and steer everything: all messages, status, probes and alerts.'
      allowedMemberTypes: ['Application', 'User']
      isEnabled: true
    }
  ]
}

resource callerPrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = if (callerRoles) {
  appId: callerApi.?appId ?? ''
  // Who has no role gets no token.
  appRoleAssignmentRequired: true
}

resource callerAssignments 'Microsoft.Graph/appRoleAssignedTo@v1.0' = [
  for caller in callers: if (callerRoles) {
    appRoleId: roleIds[caller.role]
    principalId: caller.principalId
    resourceId: callerPrincipal.?id ?? ''
  }
]

@description('Application (client) id of the mail app: MAIL_CLIENT_ID.')
output MAIL_CLIENT_ID string = mailApp.appId

@description('Object id of the enterprise application (service principal), which Exchange wants. Not the registration\'s.')
output EXOSEND_SERVICE_PRINCIPAL_ID string = mailPrincipal.id

@description('Client id of the callers\' registration: EXOSEND_API_CLIENT_ID. Empty without callerRoles.')
output EXOSEND_API_CLIENT_ID string = callerApi.?appId ?? ''

@description('The next command, for an Exchange administrator.')
output NEXT_STEP string = './infra/exchange/Register-ExosendApp.ps1 -AppId ${mailApp.appId} -ServicePrincipalObjectId ${mailPrincipal.id} -Mailbox <mailbox>${claimMode ? ' -ClaimMode' : ''}'
