import type { CatalogueEntry } from './diagnosis.ts';
import { sources } from './sources.ts';

const wait =
  'Exchange lifts it by itself; it does not say when, so count in hours. Support cannot lift it, and Message Trace does not show it. Exosend keeps the mailbox’s messages back meanwhile.';

/**
 * `550 5.2.251` to `255`: Exchange has shut the whole mailbox off SMTP AUTH, since one failure was repeated too often.
 * The reply code tells them from a single refusal: `554 5.2.252` is one denied From, `550 5.2.252` is the shut-off.
 */
export const smtpShutOff = [
  {
    code: 'smtp_shut_off_mailbox_full',
    class: 'blocked',
    retry: 'quotaWindow',
    breaker: 'timeOnly',
    scope: 'mailbox',
    title: 'Mailbox shut off after repeated “mailbox full” (550 5.2.251)',
    cause:
      'Mail was sent again and again from a mailbox that is full. Exchange now refuses everything this mailbox submits over SMTP.',
    remedy: `Make room: \`Get-EXOMailboxFolderStatistics -Identity <mailbox> -FolderScope SentItems | Format-List FolderSize\`, and a retention policy on Sent Items: \`Set-Mailbox -Identity <mailbox> -RetentionPolicy "<policy>"\`, \`Start-ManagedFolderAssistant -Identity <mailbox>\`. ${wait}`,
    source: sources.continuousErrors,
    matches: [
      { replyCodes: [550], enhanced: ['5.2.251'] },
      { textPattern: /throttled due to continuous mailbox full/i },
    ],
    samples: [
      '550 5.2.251 Sender throttled due to continuous mailbox full errors. [AM0PR04CA0001.eurprd04.prod.outlook.com]',
    ],
  },
  {
    code: 'smtp_shut_off_send_as',
    class: 'blocked',
    retry: 'quotaWindow',
    breaker: 'timeOnly',
    scope: 'mailbox',
    title: 'Mailbox shut off after repeated “send as denied” (550 5.2.252)',
    cause:
      'Some client kept sending with a From address that the mailbox may not use. Exchange now refuses everything this mailbox submits over SMTP. Exosend never repeats such a refusal, so look for another client too.',
    remedy: `Find the client with the wrong From and stop it, or give the right: \`Add-RecipientPermission -Identity <fromAddress> -Trustee <mailbox> -AccessRights SendAs -Confirm:$false\`. ${wait}`,
    source: sources.continuousErrors,
    matches: [
      { replyCodes: [550], enhanced: ['5.2.252'] },
      { textPattern: /throttled due to continuous send as denied/i },
    ],
    samples: [
      '550 5.2.252 Sender throttled due to continuous send as denied errors. [AM0PR04CA0001.eurprd04.prod.outlook.com]',
    ],
  },
  {
    code: 'smtp_shut_off_licence',
    class: 'blocked',
    retry: 'quotaWindow',
    breaker: 'timeOnly',
    scope: 'mailbox',
    title: 'Mailbox shut off after repeated “invalid licence” (550 5.2.253)',
    cause:
      'Mail was sent again and again from a mailbox without a valid licence. Exchange now refuses everything this mailbox submits over SMTP.',
    remedy: `Give a licence that includes Exchange Online: Microsoft 365 admin center, Users, Active users, the user, Licenses and apps; see it: \`Get-EXOMailbox -Identity <mailbox> -Properties SKUAssigned | Format-List SKUAssigned\`. A shared mailbox over 50 GB needs one too. ${wait}`,
    source: sources.continuousErrors,
    matches: [
      { replyCodes: [550], enhanced: ['5.2.253'] },
      { textPattern: /throttled due to continuous invalid licen[sc]e/i },
    ],
    samples: [
      '550 5.2.253 Sender throttled due to continuous invalid license errors. [AM0PR04CA0001.eurprd04.prod.outlook.com]',
    ],
  },
  {
    code: 'smtp_shut_off_too_many_recipients',
    class: 'blocked',
    retry: 'quotaWindow',
    breaker: 'timeOnly',
    scope: 'mailbox',
    title: 'Mailbox shut off after repeated “too many recipients” (550 5.2.254)',
    cause:
      'Messages with more recipients than the mailbox may address at once were sent again and again. Exchange now refuses everything this mailbox submits over SMTP.',
    remedy: `See and raise the limit per message (at most 1000): \`Get-Mailbox -Identity <mailbox> | Format-List RecipientLimits\`, \`Set-Mailbox -Identity <mailbox> -RecipientLimits 1000\`, and set \`limits.recipientsPerMessage\` in \`MAIL_SENDERS\` to the same number. ${wait}`,
    source: sources.continuousErrors,
    matches: [
      { replyCodes: [550], enhanced: ['5.2.254'] },
      { textPattern: /throttled due to continuous too many recipients/i },
    ],
    samples: [
      '550 5.2.254 Sender throttled due to continuous too many recipients errors. [AM0PR04CA0001.eurprd04.prod.outlook.com]',
    ],
  },
  {
    code: 'smtp_shut_off_invalid_recipients',
    class: 'blocked',
    retry: 'quotaWindow',
    breaker: 'timeOnly',
    scope: 'mailbox',
    title: 'Mailbox shut off after repeated “invalid recipients” (550 5.2.255)',
    cause:
      'Mail was sent again and again to addresses that do not exist. Exchange now refuses everything this mailbox submits over SMTP.',
    remedy: `Clean the list that the calling app writes to: \`GET /api/messages?status=failed&mailbox=<mailbox>\` shows the refused addresses. ${wait}`,
    source: sources.continuousErrors,
    matches: [
      { replyCodes: [550], enhanced: ['5.2.255'] },
      { textPattern: /throttled due to continuous invalid recipients/i },
    ],
    samples: [
      '550 5.2.255 Sender throttled due to continuous invalid recipients errors. [AM0PR04CA0001.eurprd04.prod.outlook.com]',
    ],
  },
] as const satisfies readonly CatalogueEntry[];
