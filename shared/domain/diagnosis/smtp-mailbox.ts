import type { CatalogueEntry } from './diagnosis.ts';
import { sources } from './sources.ts';

const emptySentItems =
  'See what fills it: `Get-EXOMailboxStatistics -Identity <mailbox> | Format-List TotalItemSize` and `Get-EXOMailboxFolderStatistics -Identity <mailbox> -FolderScope SentItems | Format-List FolderSize`. Every mail sent over SMTP is kept in Sent Items, so give that folder a short life: `New-RetentionPolicyTag -Name "Sent 30 days" -Type SentItems -RetentionAction DeleteAndAllowRecovery -AgeLimitForRetention 30`, `New-RetentionPolicy -Name "Mail app" -RetentionPolicyTagLinks "Sent 30 days"`, `Set-Mailbox -Identity <mailbox> -RetentionPolicy "Mail app"`, `Start-ManagedFolderAssistant -Identity <mailbox>`.';

/** The sending mailbox: whom it may send as, whether it can be opened, whether it is full or blocked as a spammer. */
export const smtpMailbox = [
  {
    code: 'smtp_send_as_denied',
    class: 'configuration',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'The mailbox may not send as this From address',
    cause:
      'The sign-in was fine, and the From address is not one that the signed-in mailbox may use. With app-only tokens Exchange asks for Send As of the mailbox that signed in. Sent again, it fails again; enough repeats shut the mailbox off (550 5.2.252).',
    remedy:
      'Best: sign in as the From mailbox itself, with an entry of its own in `MAIL_SENDERS`. Else give the right: `Add-RecipientPermission -Identity <fromAddress> -Trustee <mailbox> -AccessRights SendAs -Confirm:$false`; see it: `Get-RecipientPermission -Identity <fromAddress>`. It may still be propagating for an hour or two. Then put the message back: `POST /api/messages/<id>/retry`.',
    source: 'https://github.com/Notifuse/notifuse/issues/250',
    matches: [
      { textPattern: /SendAsDenied/ },
      { replyCodes: [554], enhanced: ['5.2.252'] },
      { enhanced: ['5.7.60'] },
      { textPattern: /not have permissions? to send as this sender|not allowed to send as/i },
    ],
    samples: [
      '554 5.2.252 SendAsDenied; billing@contoso.com not allowed to send as sales@contoso.com; STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed to process message due to a permanent exception with message Cannot submit message. [Hostname=AM0PR04MB0001.eurprd04.prod.outlook.com]',
      '554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed to process message due to a permanent exception with message Cannot submit message. 0.35250:0A007C85, 1.36674:0A000000',
      '550 5.7.60 SMTP; Client does not have permissions to send as this sender [MW2PR1901MB2155.namprd19.prod.outlook.com]',
    ],
  },
  {
    code: 'smtp_mailbox_logon_failed',
    class: 'configuration',
    retry: 'fewTries',
    breaker: 'opens',
    scope: 'mailbox',
    title: 'Signed in, and the mailbox cannot be opened (430 4.2.0)',
    cause:
      'The token was accepted, yet the app has no right on the mailbox’s store. In claim mode the permission on the mailbox is missing, or it was given within the last hour or two. Although the number says “try again”, it can last for ever.',
    remedy:
      'Claim mode: `Add-MailboxPermission -Identity <mailbox> -User <enterpriseAppObjectId> -AccessRights FullAccess`; see it: `Get-MailboxPermission -Identity <mailbox> -User <enterpriseAppObjectId>`. App RBAC: `Test-ServicePrincipalAuthorization -Identity <appId> -Resource <mailbox>`. Check the object id: `Get-ServicePrincipal | Format-List DisplayName, AppId, ObjectId` against `az ad sp show --id <appId> --query id -o tsv`. It may still be propagating.',
    source: 'https://github.com/simonrob/email-oauth2-proxy/issues/271',
    matches: [
      { textPattern: /MapiExceptionLogonFailed|mailbox logon failure/i },
      { replyCodes: [430], enhanced: ['4.2.0'] },
    ],
    samples: [
      '430 4.2.0 STOREDRV; mailbox logon failure; STOREDRV.Storage.Exception:ConnectionFailedTransientException.MapiExceptionLogonFailed; Failed to process message due to a transient exception with message Cannot open mailbox. [Hostname=AM0PR04MB0001.eurprd04.prod.outlook.com]',
    ],
  },
  {
    code: 'smtp_mailbox_full',
    class: 'quota',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'mailbox',
    title: 'The sending mailbox is full (554 5.2.2)',
    cause:
      'Exchange keeps a copy of every mail sent over SMTP in Sent Items, and these have filled the mailbox. Going on against it shuts the mailbox off altogether (550 5.2.251).',
    remedy: emptySentItems,
    source: sources.smtpSubmission,
    matches: [
      { stages: ['mail', 'data', 'content', 'final'], enhanced: ['5.2.2'] },
      { textPattern: /mailbox full; (?:STOREDRV\.Submi|MapiException)|STOREDRV\.Submission\.Exception:QuotaExceeded/i },
      // Microsoft's pages write it with brackets. Behind "STOREDRV.Deliver" it is the recipient's mailbox.
      {
        textPattern:
          /(?<!STOREDRV\.Deliver\.Exception:QuotaExceededException\.)MapiException(?:\(Shutoff\)|Shutoff)QuotaExceeded/i,
      },
    ],
    samples: [
      '554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded; Failed to process message due to a permanent exception with message Cannot submit message. [Hostname=AM0PR04MB0001.eurprd04.prod.outlook.com]',
    ],
  },
  {
    code: 'smtp_sender_blocked',
    class: 'blocked',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'mailbox',
    title: 'The mailbox is blocked as a sender of spam',
    cause:
      'Microsoft’s outbound filter has put the mailbox on the list of restricted senders. Either it sent mail that looks like spam, or somebody else is using it.',
    remedy:
      'Treat it as a break-in until you know better: look at what was sent (`Get-MessageTraceV2 -SenderAddress <mailbox>`), renew the app’s credential. Then unblock: `Get-BlockedSenderAddress -SenderAddress <mailbox>`, `Remove-BlockedSenderAddress -SenderAddress <mailbox>`, or Microsoft Defender portal, Email & collaboration, Review, Restricted entities. Sending starts again after up to an hour.',
    source: sources.bounces,
    matches: [
      { enhanced: ['5.1.8', '5.7.501-503', '5.7.511', '5.7.800'] },
      { textPattern: /bad outbound sender|banned sender|spam abuse detected/i },
    ],
    samples: [
      '550 5.1.8 Access denied, bad outbound sender AS(42004) [AM0PR04MB0001.eurprd04.prod.outlook.com]',
      '550 5.7.501 Access denied, spam abuse detected.',
      '550 5.7.502 Access denied, banned sender.',
      '550 5.7.503 Access denied, banned sender.',
    ],
  },
  {
    code: 'smtp_outbound_spam',
    class: 'blocked',
    retry: 'quotaWindow',
    breaker: 'opens',
    scope: 'mailbox',
    title: 'The outbound filter refused the mail',
    cause:
      'Exchange’s outbound filter judged the sender, not the single mail: it has used up what it may send, or was suspended (OutboundSpamException, verdict RefuseQuota or Suspend).',
    remedy:
      'Look at who sends what: `Get-MessageTraceV2 -SenderAddress <mailbox>`. See the policy: `Get-HostedOutboundSpamFilterPolicy | Format-List Name, RecipientLimit*, ActionWhenThresholdReached`. If the mailbox is on the list: `Remove-BlockedSenderAddress -SenderAddress <mailbox>`. A newly made tenant has low limits that rise by themselves.',
    source: 'https://learn.microsoft.com/defender-office-365/outbound-spam-protection-about',
    matches: [{ textPattern: /OutboundSpamException/ }],
    samples: [
      '554 5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; Failed to process message due to a permanent exception with message WASCL UserAction verdict is not None. Actual verdict is RefuseQuota.',
    ],
  },
  {
    code: 'smtp_tenant_blocked',
    class: 'blocked',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'service',
    title: 'Exchange has stopped the whole tenant from sending (5.7.705)',
    cause: 'Most of the tenant’s outbound mail was judged suspicious, and sending is barred for all of it.',
    remedy:
      'An administrator must clear it up and ask Microsoft: find the source with `Get-MessageTraceV2 -StartDate <date> -EndDate <date>`, close it, then Microsoft 365 admin center, Support, New service request, “5.7.705”.',
    source: sources.bounces,
    matches: [{ enhanced: ['5.7.705'] }, { textPattern: /tenant has exceeded threshold/i }],
    samples: [
      '550 5.7.705 Access denied, tenant has exceeded threshold. For more information please go to https://go.microsoft.com/fwlink/?LinkId=524931 AS831',
    ],
  },
  {
    code: 'smtp_ip_reputation',
    class: 'blocked',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'service',
    title: 'Exchange takes no mail from this address or tenant (5.7.708)',
    cause:
      'New and trial tenants send through addresses of low standing, and this traffic was refused; or the sending address itself is banned (5.7.606 to 649).',
    remedy:
      'Trial tenant: buy a licence or wait until it has aged, and ask Microsoft 365 admin center, Support, New service request, “5.7.708”. Banned address: `https://sender.office.com`. See your outbound addresses: `az functionapp show --name <app> --resource-group <group> --query possibleOutboundIpAddresses -o tsv`.',
    source: sources.bounces,
    matches: [
      { enhanced: ['5.7.708', '5.7.606-649', '5.7.508'] },
      { textPattern: /traffic not accepted from this IP|banned sending IP/i },
    ],
    samples: [
      '550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP. For more information please go to https://go.microsoft.com/fwlink/?LinkId=526653',
      '550 5.7.606 Access denied, banned sending IP [20.61.10.12]. To request removal from this list please visit https://sender.office.com/',
    ],
  },
  {
    code: 'smtp_domain_unregistered',
    class: 'blocked',
    retry: 'afterAuthFix',
    breaker: 'opens',
    scope: 'service',
    title: 'Mail from domains that the tenant does not own (5.7.750)',
    cause: 'The tenant has sent a suspicious amount of mail from domains that are not registered in it.',
    remedy:
      'Register the From domain: Microsoft 365 admin center, Settings, Domains, Add domain. See what is accepted: `Get-AcceptedDomain | Format-Table DomainName, DomainType`. Then Support, New service request, “5.7.750”.',
    source: sources.bounces,
    matches: [{ enhanced: ['5.7.750'] }, { textPattern: /sending from unregistered domains/i }],
    samples: ['550 5.7.750 Service unavailable. Client blocked from sending from unregistered domains.'],
  },
] as const satisfies readonly CatalogueEntry[];
