import type { CatalogueEntry } from './diagnosis.ts';
import { sources } from './sources.ts';

/** Limits that Exchange counts: connections, messages a minute, recipients a day, by mailbox and by tenant. */
export const smtpLimits = [
  {
    code: 'smtp_connection_limit',
    class: 'throttled',
    retry: 'soon',
    breaker: 'none',
    scope: 'mailbox',
    title: 'Too many connections of this mailbox at once (432 4.3.2)',
    cause:
      'Exchange takes three submissions of one mailbox at a time. Exosend keeps to that, so another program is using the mailbox as well.',
    remedy:
      'Nothing at first: the message is tried again with fewer connections. If it lasts, give the other program a mailbox of its own, or lower ours: `"limits":{"connections":2}` in `MAIL_SENDERS`. Who else signs in: Entra admin center, Sign-in logs, filter by the mailbox.',
    source: sources.smtpSubmission,
    matches: [
      { textPattern: /concurrent connections limit exceeded/i },
      { textPattern: /STOREDRV\.ClientSubmit; sender thread limit exceeded|sender thread limit exceeded/i },
      { replyCodes: [432], enhanced: ['4.3.2'] },
    ],
    samples: [
      '432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information. [Hostname=AM0PR04MB0001.eurprd04.prod.outlook.com]',
      '432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded [Hostname=AM0PR04MB0001.eurprd04.prod.outlook.com]',
    ],
  },
  {
    code: 'smtp_recipient_throttled',
    class: 'throttled',
    retry: 'slow',
    breaker: 'none',
    scope: 'recipient',
    title: 'A recipient’s mailbox is being flooded (432 4.3.2)',
    cause:
      'The recipient gets more mail at once than their mailbox takes in. The number is that of the connection limit; only the text tells them apart.',
    remedy:
      'Nothing: the message is tried again later. If the calling app causes the flood (a monitor that mails each event, say), let it gather its messages.',
    source: sources.bounces,
    matches: [{ textPattern: /recipient thread limit exceeded/i }],
    samples: [
      '432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded [Hostname=AM0PR04MB0001.eurprd04.prod.outlook.com]',
    ],
  },
  {
    code: 'smtp_rate_limited',
    class: 'throttled',
    retry: 'slow',
    breaker: 'none',
    scope: 'mailbox',
    title: 'More messages a minute than the mailbox may send',
    cause:
      'Exchange takes 30 messages a minute from one mailbox. It usually delays what is above that; sometimes it refuses. Exosend keeps to the limit, so another program sends from the mailbox as well.',
    remedy:
      'Nothing at first: the message is tried again later. If it lasts, give the other program a mailbox of its own, lower `"limits":{"messagesPerMinute":20}` in `MAIL_SENDERS`, or spread the load over several mailboxes with `mailboxes`.',
    source: sources.smtpSubmission,
    matches: [
      { textPattern: /message (?:submission )?rate (?:limit )?(?:for this client )?(?:has )?exceeded/i },
      {
        textPattern: /too many messages|sending rate (?:limit )?exceeded|rate limit exceeded/i,
        replyCodes: [421, 450, 451, 452],
      },
    ],
    samples: ['421 4.4.2 Message submission rate for this client has exceeded the configured limit'],
  },
  {
    code: 'smtp_access_denied_later',
    class: 'throttled',
    retry: 'slow',
    breaker: 'none',
    scope: 'service',
    title: 'Exchange restricts the sender for a while (4.7.500 to 699, 4.7.850 to 899)',
    cause:
      'The traffic looked unusual, so Exchange holds it back while it is looked at. A good sender is let go again soon.',
    remedy:
      'Nothing at first: the message is tried again with long pauses. Avoid bursts to many new addresses. If it lasts for hours: Microsoft 365 admin center, Support, New service request, with the full reply.',
    source: sources.bounces,
    matches: [
      { enhanced: ['4.7.500-699', '4.7.850-899'] },
      { textPattern: /access denied, please try again later|server busy\. please try again later/i },
    ],
    samples: [
      '451 4.7.500 Server busy. Please try again later from [20.61.10.12]. (S77719) [AM0PR04FT0001.eop-eur04.prod.protection.outlook.com]',
      '451 4.7.650 Access denied, please try again later',
      '451 4.7.851 Access denied, please try again later',
    ],
  },
  {
    code: 'smtp_submission_quota',
    class: 'quota',
    retry: 'quotaWindow',
    breaker: 'none',
    scope: 'mailbox',
    title: 'The mailbox has used up its recipients for 24 hours',
    cause:
      'A mailbox may write to 10,000 recipients in 24 hours, counted over a sliding window; each address on To, Cc and Bcc counts. Although the number begins with 5, waiting is all it takes.',
    remedy:
      'Nothing: the messages wait until the window has moved on. See who used it up: `Get-MessageTraceV2 -SenderAddress <mailbox> -StartDate <date> -EndDate <date>`; if it was not you, treat the mailbox as broken into. For more, list several mailboxes under `mailboxes` in `MAIL_SENDERS`, or use High Volume Email for recipients in the tenant.',
    source: sources.smtpSubmission,
    matches: [{ textPattern: /SubmissionQuotaExceeded/ }, { textPattern: /submission quota (?:was )?exceeded/i }],
    samples: [
      "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message due to a permanent exception with message The message can't be submitted because the sender's submission quota was exceeded. [Hostname=AM0PR04MB0001.eurprd04.prod.outlook.com]",
      '550 5.2.2 Submission quota exceeded',
    ],
  },
  {
    code: 'smtp_recipient_quota',
    class: 'quota',
    retry: 'quotaWindow',
    breaker: 'none',
    scope: 'mailbox',
    title: 'The day’s limit for recipients is reached (5.1.90)',
    cause:
      'The mailbox has written to as many recipients as it may within 24 hours: Exchange’s own limit, or a lower one in the outbound spam policy.',
    remedy:
      'Nothing: the messages wait until the window has moved on. See a policy’s limits: `Get-HostedOutboundSpamFilterPolicy | Format-List Name, RecipientLimitPerDay, RecipientLimitExternalPerHour`; raise one: `Set-HostedOutboundSpamFilterPolicy -Identity <policy> -RecipientLimitPerDay 10000`. If it was not you, treat the mailbox as broken into.',
    source: sources.bounces,
    matches: [
      { enhanced: ['5.1.90'] },
      { textPattern: /reached your (?:daily|24 hour) limit for message recipients/i },
    ],
    samples: [
      "550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients. (AS:46601)",
    ],
  },
  {
    code: 'smtp_tenant_quota',
    class: 'quota',
    retry: 'quotaWindow',
    breaker: 'none',
    scope: 'service',
    title: 'The tenant has used up its external recipients (5.7.232, 5.7.233)',
    cause:
      'A tenant may write to a number of external recipients in 24 hours that grows with its licences (500 × licences^0.7 + 9,500; a trial 5,000). All its mailboxes together have reached it.',
    remedy:
      'Nothing: the messages wait until the window has moved on. See the count: `Get-LimitsEnforcementStatus`, or Exchange admin center, Reports, Mail flow, Tenant Outbound External Recipients. More licences raise it; for bulk mail use Azure Communication Services.',
    source: sources.tenantLimit,
    matches: [{ enhanced: ['5.7.232-233'] }, { textPattern: /tenant external recipient rate limit/i }],
    samples: [
      "550 5.7.233 Your message can't be sent because your tenant exceeded its daily limit for sending email to external recipients (tenant external recipient rate limit).",
      "550 5.7.232 Your message can't be sent because your trial tenant has exceeded its daily limit for sending email to external recipients.",
    ],
  },
  {
    code: 'smtp_too_many_recipients',
    class: 'transient',
    retry: 'soon',
    breaker: 'none',
    scope: 'recipient',
    title: 'Too many recipients in one go (4.5.3)',
    cause:
      'The server took the recipients up to here and wants the rest in another transaction, for instance more than 200 of one domain.',
    remedy:
      'Nothing: the recipients that were taken get the mail now, the others in a next transaction. To avoid it, put fewer addresses on one message: `"limits":{"recipientsPerMessage":200}` in `MAIL_SENDERS`.',
    source: sources.bounces,
    matches: [{ enhanced: ['4.5.3'] }, { replyCodes: [452], textPattern: /too many recipients/i }],
    samples: ['452 4.5.3 Too many recipients (AS780090) [AM0PR04FT0001.eop-eur04.prod.protection.outlook.com]'],
  },
  {
    code: 'smtp_recipient_limit',
    class: 'content',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The message has more recipients than the mailbox may address',
    cause: 'A message may have 500 recipients, or as many as the mailbox is set to (1 to 1000).',
    remedy:
      'Split the message in the calling app, or raise the limit: `Set-Mailbox -Identity <mailbox> -RecipientLimits 1000`, and set `"limits":{"recipientsPerMessage":1000}` in `MAIL_SENDERS`.',
    source:
      'https://learn.microsoft.com/office365/servicedescriptions/exchange-online-service-description/exchange-online-limits',
    matches: [
      { enhanced: ['5.5.3'] },
      { textPattern: /RESOLVER\.ADR\.RecipLimit/ },
      { errorCodes: ['EMAXRECIPIENTS'] },
    ],
    samples: ['550 5.5.3 RESOLVER.ADR.RecipLimit; too many recipients [AM0PR04MB0001.eurprd04.prod.outlook.com]'],
  },
] as const satisfies readonly CatalogueEntry[];
