metadata name = 'Alert rules'
metadata description = 'What is watched in the logs. Every query gives a row for each thing that is wrong, and none while all is well.'

@export()
@description('One log-search alert rule.')
type rule = {
  name: string
  title: string
  description: string
  severity: 0 | 1 | 2 | 3 | 4
  @description('How often, ISO 8601.')
  every: string
  @description('How far back, ISO 8601.')
  window: string
  @description('Columns of the query; each combination of their values is an alert of its own.')
  splitBy: string[]
  query: string
}

@export()
@description('What the queries are made for.')
type alertContext = {
  applicationInsightsId: string
  vaultId: string
  mailboxes: string[]
  probeSilentWindow: string
  throttledCodes: string[]
}

@export()
@description('KQL that gives the app\'s log lines of some events, with the fields that alert rules may use. A log line is one JSON object in the message of a trace; whatever a host may put before or behind it is left out.')
func linesOf(applicationInsightsId string, events string[]) string =>
  join(
    [
      'AppTraces'
      'where _ResourceId =~ "${applicationInsightsId}"'
      'where Message has "event"'
      'extend line = parse_json(extract(@"\\{.*\\}", 0, Message))'
      'extend event = tostring(line.event)'
      'where event in (dynamic(${string(events)}))'
      'project TimeGenerated, event, mailbox = tostring(line.mailbox), code = tostring(line.code), state = tostring(line.state), detail = tostring(line.detail)'
    ],
    ' | '
  )

@export()
@description('All rules. Event names and fields are those that the app logs; a test holds them against the code.')
func alertRules(given alertContext) rule[] => [
  {
    name: 'probe-failing'
    title: 'Exosend: the probe of a mailbox fails'
    description: 'Two runs in 15 minutes failed, so mail from this mailbox would not leave. The code says where; see docs/errors.md.'
    severity: 1
    every: 'PT5M'
    window: 'PT15M'
    splitBy: ['mailbox', 'code']
    query: '${linesOf(given.applicationInsightsId, ['probe.run'])} | where state == "failed" | summarize failures = count() by mailbox, code | where failures >= 2'
  }
  {
    name: 'probe-silent'
    title: 'Exosend: a mailbox is not probed'
    description: 'No result of the probe arrived. The app does not run, its settings are bad, or its logs do not arrive.'
    severity: 1
    every: 'PT5M'
    window: given.probeSilentWindow
    splitBy: ['mailbox']
    // An empty log gives no rows to count. A summary without groups gives one row even then; what it lacks is looked for.
    query: '${linesOf(given.applicationInsightsId, ['probe.run'])} | summarize heard = make_set(tolower(mailbox)) | mv-expand mailbox = set_difference(dynamic(${string(given.mailboxes)}), heard) to typeof(string) | where isnotempty(mailbox) | project mailbox'
  }
  {
    name: 'certificate-near-expiry'
    title: 'Exosend: Key Vault says that a certificate or secret is near its end'
    description: 'Renew it before it stops the mail. Key Vault writes this 30 days ahead, whether the app runs or not.'
    severity: 2
    every: 'PT1H'
    window: 'P1D'
    splitBy: ['notice']
    query: 'AZKVAuditLogs | where _ResourceId =~ "${given.vaultId}" | where OperationName matches regex "(Certificate|Secret)(NearExpiry|Expired)" | summarize times = count() by notice = OperationName'
  }
  {
    name: 'credential-expiring'
    title: 'Exosend: the app says that its certificate or secret is near its end'
    description: 'Renew it before it stops the mail. The app writes this at 60, 30, 14, 7, 3 and 1 days.'
    severity: 2
    every: 'PT1H'
    window: 'P1D'
    splitBy: ['detail']
    query: '${linesOf(given.applicationInsightsId, ['alert.warning'])} | where code == "credential_expiring" | summarize notices = count() by detail'
  }
  {
    name: 'rotation-failed'
    title: 'Exosend: the certificate could not be replaced'
    description: 'The app tries again every hour, and mail goes on by the certificate in use until that expires. The line says what to do.'
    severity: 2
    every: 'PT1H'
    window: 'PT6H'
    splitBy: ['code']
    query: '${linesOf(given.applicationInsightsId, ['credential.rotation.failed'])} | summarize runs = count() by code'
  }
  {
    name: 'poison-recorded'
    title: 'Exosend: a queue message could not be read'
    description: 'It became a failed message; its raw text is in the container mail-poison under the message\'s id.'
    severity: 2
    every: 'PT5M'
    window: 'PT15M'
    splitBy: ['detail']
    query: '${linesOf(given.applicationInsightsId, ['poison.recorded'])} | summarize messages = count() by detail'
  }
  {
    name: 'message-overdue'
    title: 'Exosend: mail is overdue'
    description: 'A message waits more than 15 minutes beyond the time it was due.'
    severity: 2
    every: 'PT5M'
    window: 'PT15M'
    splitBy: ['mailbox']
    query: '${linesOf(given.applicationInsightsId, ['alert.warning'])} | where code == "message_overdue" | summarize notices = count() by mailbox'
  }
  {
    name: 'message-unknown'
    title: 'Exosend: nobody knows whether a mail left'
    description: 'The connection broke before Exchange\'s answer, and it was not to be sent again. Somebody has to look at Sent Items and decide.'
    severity: 2
    every: 'PT5M'
    window: 'PT15M'
    splitBy: ['mailbox']
    query: '${linesOf(given.applicationInsightsId, ['message.unknown'])} | summarize messages = count() by mailbox'
  }
  {
    name: 'throttling'
    title: 'Exosend: Exchange slows a mailbox down'
    description: 'Five or more answers in 15 minutes asked for patience, or the breaker opened for one. Something else may send through this mailbox.'
    severity: 3
    every: 'PT5M'
    window: 'PT15M'
    splitBy: ['mailbox', 'code']
    query: '${linesOf(given.applicationInsightsId, ['message.deferred', 'message.failed', 'breaker.opened'])} | where code in (dynamic(${string(given.throttledCodes)})) | summarize answers = count(), opened = countif(event == "breaker.opened") by mailbox, code | where answers >= 5 or opened > 0'
  }
  {
    name: 'breaker-opened'
    title: 'Exosend: sending from a mailbox has stopped'
    description: 'The same failure came again, so nothing is submitted until a trial goes well. Mail waits and is not lost.'
    severity: 1
    every: 'PT5M'
    window: 'PT15M'
    splitBy: ['mailbox', 'code']
    query: '${linesOf(given.applicationInsightsId, ['breaker.opened'])} | summarize times = count() by mailbox, code'
  }
  {
    name: 'http-5xx'
    title: 'Exosend: calls fail'
    description: 'Five or more calls in 15 minutes were answered with 500 or above.'
    severity: 2
    every: 'PT5M'
    window: 'PT15M'
    splitBy: ['operation']
    query: 'AppRequests | where _ResourceId =~ "${given.applicationInsightsId}" | where toint(ResultCode) between (500 .. 599) | summarize calls = sum(ItemCount) by operation = OperationName | where calls >= 5'
  }
  {
    name: 'settings-invalid'
    title: 'Exosend: the app settings are bad'
    description: 'The app answers 503 and sends nothing. The log line names each setting and what is wrong with it.'
    severity: 0
    every: 'PT5M'
    window: 'PT15M'
    splitBy: []
    query: linesOf(given.applicationInsightsId, ['settings.invalid'])
  }
]
