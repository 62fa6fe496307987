metadata name = 'Alerts'
metadata description = 'An action group, and the log-search alert rules of ../alert-rules.bicep over the app\'s structured log lines.'

import { alertRules } from '../alert-rules.bicep'

@description('Required. Start of each rule\'s name.')
param namePrefix string

@description('Required. Azure region.')
param location string

@description('Required. Tags of every resource.')
param tags object

@description('Required. Resource id of the Log Analytics workspace.')
param workspaceId string

@description('Required. Resource id of the Application Insights component.')
param applicationInsightsId string

@description('Required. Resource id of the vault.')
param vaultId string

@description('Required. Mailboxes whose probe is expected, in lower case.')
param mailboxes string[]

@description('Required. Addresses that are told. Better none of the mailboxes watched here.')
param emails string[]

@description('Required. Resource ids of further action groups.')
param actionGroupIds string[]

@description('Required. Whether the rules are on.')
param enabled bool

@description('Required. Window of the silent probe, ISO 8601: three times the probe\'s interval or more.')
param probeSilentWindow string

// Answers of Exchange that mean "slow down": the catalogue's class `throttled`, as far as it is about SMTP.
var throttledCodes = [
  'smtp_access_denied_later'
  'smtp_connection_limit'
  'smtp_rate_limited'
  'smtp_recipient_throttled'
]

var rules = alertRules({
  applicationInsightsId: applicationInsightsId
  vaultId: vaultId
  mailboxes: mailboxes
  probeSilentWindow: probeSilentWindow
  throttledCodes: throttledCodes
})

resource group 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: '${namePrefix}-alerts'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'exosend'
    enabled: true
    emailReceivers: [
      for (email, index) in emails: { name: 'email-${index}', emailAddress: email, useCommonAlertSchema: true }
    ]
  }
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for one in rules: {
    name: '${namePrefix}-${one.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: one.title
      description: one.description
      severity: one.severity
      enabled: enabled
      scopes: [workspaceId]
      evaluationFrequency: one.every
      windowSize: one.window
      // Told once, and again only after it has ended.
      autoMitigate: true
      // The tables appear with the first line that arrives in them.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: one.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            dimensions: map(one.splitBy, column => { name: column, operator: 'Include', values: ['*'] })
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: concat([group.id], actionGroupIds) }
    }
  }
]
