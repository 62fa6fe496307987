import type { CatalogueEntry, FailureStage } from './diagnosis.ts';
import { sources } from './sources.ts';

const withRecipients: readonly FailureStage[] = ['rcpt', 'data', 'content', 'final'];

/** Refusals of one recipient. The other recipients of the message are not touched by them. */
export const smtpRecipient = [
  {
    code: 'smtp_recipient_unknown',
    class: 'recipient',
    retry: 'never',
    breaker: 'none',
    scope: 'recipient',
    title: 'The recipient’s address does not exist',
    cause:
      'The receiving side does not know the address: a typing error, a person who has left, or an address that was never made. Repeating it often shuts the mailbox off (550 5.2.255).',
    remedy:
      'Correct the address in the calling app, or take it off its list. Inside the tenant: `Get-EXORecipient -Identity <recipient>` shows whether it exists.',
    source: sources.bounces,
    matches: [
      { stages: withRecipients, enhanced: ['5.1.10', '5.1.1', '5.4.1', '5.1.351', '5.7.504-505'] },
      {
        textPattern:
          /RESOLVER\.ADR\.(?:RecipNotFound|RecipientNotFound)|recipient not found|recipient address rejected: access denied|user unknown|no such user/i,
      },
      {
        stages: ['rcpt'],
        replyCodes: [550, 551, 553, 554],
        textPattern: /mailbox unavailable|(?:user|recipient) does not exist/i,
      },
    ],
    samples: [
      '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient nobody@contoso.com not found by SMTP address lookup',
      '550 5.1.1 <nobody@example.com>: Bad destination mailbox address',
      '550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [AM0PR04FT0001.eop-eur04.prod.protection.outlook.com]',
    ],
  },
  {
    code: 'smtp_recipient_address_invalid',
    class: 'recipient',
    retry: 'never',
    breaker: 'none',
    scope: 'recipient',
    title: 'The recipient’s address is malformed',
    cause: 'The server cannot read the address as one.',
    remedy:
      '`GET /api/messages/<id>` shows which address it was; correct it in the calling app. Exosend checks the form of each address before it takes a message, so an alias or rule on the server may have changed it.',
    source: sources.rfc3463,
    matches: [
      { stages: withRecipients, enhanced: ['5.1.3', '5.1.6', '5.1.0'] },
      { replyCodes: [501, 553], stages: ['rcpt'] },
    ],
    samples: ['501 5.1.3 Invalid address [AM0PR04CA0001.eurprd04.prod.outlook.com]'],
  },
  {
    code: 'smtp_recipient_domain_unreachable',
    class: 'recipient',
    retry: 'never',
    breaker: 'none',
    scope: 'recipient',
    title: 'The recipient’s domain takes no mail',
    cause:
      'No mail server was found for the domain, or none of them answers: a typing error after the @, an expired domain, or wrong DNS records of the receiver.',
    remedy:
      'Check the domain: `nslookup -type=mx <domain>`. If it is spelled right, tell the receiver that their mail records are broken.',
    source: sources.bounces,
    matches: [
      { stages: withRecipients, enhanced: ['5.1.2', '5.4.4', '5.4.310-317', '5.4.300'] },
      { textPattern: /DNS domain \S{1,255} does not exist/i },
    ],
    samples: [
      '550 5.4.310 DNS domain exmaple.com does not exist [Message=InfoDomainNonexistent] [LastAttemptedServerName=exmaple.com]',
    ],
  },
  {
    code: 'smtp_recipient_not_authorized',
    class: 'recipient',
    retry: 'never',
    breaker: 'none',
    scope: 'recipient',
    title: 'The sender may not write to this recipient (5.7.1)',
    cause:
      'The recipient, a group or a mail flow rule accepts mail from certain senders only, and this one is not among them.',
    remedy:
      'Let the recipient’s administrator admit the sender: `Set-DistributionGroup -Identity <group> -AcceptMessagesOnlyFromSendersOrMembers @{Add="<mailbox>"}`, or look for the rule: `Get-TransportRule | Where-Object RejectMessageEnhancedStatusCode -eq "5.7.1"`.',
    source: sources.bounces,
    matches: [
      { stages: withRecipients, enhanced: ['5.7.1'] },
      { textPattern: /RESOLVER\.RST\.(?:NotAuthorized|AuthRequired)|delivery not authorized/i },
    ],
    samples: [
      '550 5.7.1 RESOLVER.RST.NotAuthorized; not authorized [AM0PR04MB0001.eurprd04.prod.outlook.com]',
      '550 5.7.1 Delivery not authorized, message refused',
    ],
  },
  {
    code: 'smtp_recipient_restricted',
    class: 'recipient',
    retry: 'never',
    breaker: 'none',
    scope: 'recipient',
    title: 'The recipient takes mail from inside only, or from listed senders',
    cause:
      'The group, mailbox, public folder or mail user is set to refuse senders from outside its organisation, or all who are not on its list (5.7.12, 5.7.124, 5.7.133 to 136).',
    remedy:
      'Only the recipient’s administrator or the group’s owner can open it: `Set-DistributionGroup -Identity <group> -RequireSenderAuthenticationEnabled $false`, or for a list of senders `Set-DistributionGroup -Identity <group> -AcceptMessagesOnlyFromSendersOrMembers @{Add="<mailbox>"}`; for a mailbox `Set-Mailbox -Identity <recipient> -RequireSenderAuthenticationEnabled $false`.',
    source: sources.bounces,
    matches: [{ enhanced: ['5.7.12', '5.7.124', '5.7.133-136', '5.7.507'] }],
    samples: [
      '550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required; Delivery restriction check failed because the sender was not authenticated when sending to this group',
      '550 5.7.124 Sender not in allowed-senders list',
      '550 5.7.134 RESOLVER.RST.SenderNotAuthenticatedForMailbox; authentication required',
      '550 5.7.136 RESOLVER.RST.SenderNotAuthenticatedForMailUser; authentication required',
    ],
  },
  {
    code: 'smtp_recipient_hourly_limit',
    class: 'recipient',
    retry: 'never',
    breaker: 'none',
    scope: 'recipient',
    title: 'The recipient has had too much mail this hour (5.2.121, 5.2.122)',
    cause:
      'A mailbox in Exchange Online takes a limited number of messages an hour, in all and from one sender. A program that mails every event reaches it.',
    remedy:
      'Let the calling app gather its messages for this recipient, or send to several people. After an hour put the message back: `POST /api/messages/<id>/retry`.',
    source: sources.bounces,
    matches: [{ enhanced: ['5.2.121-122'] }, { textPattern: /per hour message receive limit/i }],
    samples: [
      "550 5.2.121 Recipient's per hour message receive limit from specific sender exceeded.",
      "550 5.2.122 Recipient's per hour message receive limit exceeded.",
    ],
  },
  {
    code: 'smtp_recipient_mailbox_full',
    class: 'recipient',
    retry: 'never',
    breaker: 'none',
    scope: 'recipient',
    title: 'The recipient’s mailbox is full',
    cause:
      'The recipient’s mailbox has no room. “STOREDRV.Deliver” in the text tells it from our own mailbox being full.',
    remedy:
      'Tell the recipient by another way, and put the message back when there is room: `POST /api/messages/<id>/retry`.',
    source: sources.bounces,
    matches: [
      { stages: ['rcpt'], enhanced: ['5.2.2'] },
      { textPattern: /STOREDRV\.Deliver\.Exception:QuotaExceeded/ },
      { stages: ['rcpt'], replyCodes: [552], textPattern: /mailbox (?:is )?full|over quota|quota exceeded/i },
    ],
    samples: [
      '554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded; Failed to process message due to a permanent exception with message The process failed to get the correct properties.',
    ],
  },
  {
    code: 'smtp_recipient_refused',
    class: 'recipient',
    retry: 'never',
    breaker: 'none',
    scope: 'recipient',
    title: 'The recipient was refused (5xx at RCPT TO)',
    cause: 'The server refused this address for good, with a number and text that have no entry of their own here.',
    remedy:
      'Read the server’s text, correct the address or ask the receiver, then send again to this address: `POST /api/messages/<id>/retry`.',
    source: sources.rfc5321,
    matches: [{ stages: ['rcpt'], replyCodes: [550, 551, 553, 554, 556] }],
    samples: [
      "Error: Can't send mail - all recipients were rejected: 550 5.9.9 No { code: 'EENVELOPE', response: '550 5.9.9 No', responseCode: 550, command: 'RCPT TO' }",
    ],
  },
] as const satisfies readonly CatalogueEntry[];
