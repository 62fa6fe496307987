import type { CatalogueEntry } from './diagnosis.ts';
import { sources } from './sources.ts';

/** What Exosend warns of before mail stops, or says of its own alerts. No failure of a message: nothing matches them. */
export const ownAlerts = [
  {
    code: 'credential_expiring',
    class: 'configuration',
    retry: 'never',
    breaker: 'none',
    scope: 'app',
    title: 'The certificate or secret expires soon',
    cause:
      'The newest version of the certificate or client secret in Key Vault ends within the days that the alert names. From then on Entra ID issues no token and no mail leaves. It is said at 60, 30, 14, 7, 3 and 1 days, once for each version.',
    remedy:
      'Make a new version: `az keyvault certificate create --vault-name <vault> --name <certificate> --policy "$(az keyvault certificate show --vault-name <vault> --name <certificate> --query policy)"`. Then upload its public part: `az keyvault certificate download --vault-name <vault> --name <certificate> --file exosend.pem --encoding PEM`, then `az ad app credential reset --id <appId> --cert @exosend.pem --append`. For a secret: `az ad app credential reset --id <appId> --append`, then `az keyvault secret set --vault-name <vault> --name <secret> --value <value> --expires <date>`.',
    source: sources.own,
    matches: [],
    samples: ['{"event":"alert.warning","code":"credential_expiring","mailbox":"billing@contoso.com"}'],
  },
  {
    code: 'credential_fallback',
    class: 'configuration',
    retry: 'never',
    breaker: 'none',
    scope: 'app',
    title: 'An older version of the certificate is in use',
    cause:
      'The newest version of the certificate in Key Vault cannot be used, most often because it is not registered with the app in Entra ID yet. Mail goes on with the version before it, until that expires.',
    remedy:
      'Upload the public part of the newest version: `az keyvault certificate download --vault-name <vault> --name <certificate> --file exosend.pem --encoding PEM`, then `az ad app credential reset --id <appId> --cert @exosend.pem --append`. The alert’s detail names the version and what was wrong with it.',
    source: sources.own,
    matches: [],
    samples: ['{"event":"alert.warning","code":"credential_fallback","mailbox":"billing@contoso.com"}'],
  },
  {
    code: 'mailbox_quota_near',
    class: 'quota',
    retry: 'never',
    breaker: 'none',
    scope: 'mailbox',
    title: 'The mailbox has used 80 % of its recipients a day',
    cause:
      'Exchange Online allows a mailbox 10,000 recipients in 24 hours (`limits.recipientsPerDay`). What passes the number waits until the window has moved on.',
    remedy:
      'See who sends so much with `GET /api/messages?mailbox=<mailbox>`, and spread it: list several mailboxes under `mailboxes` in `MAIL_SENDERS`.',
    source: sources.own,
    matches: [],
    samples: ['{"event":"alert.warning","code":"mailbox_quota_near","mailbox":"billing@contoso.com"}'],
  },
  {
    code: 'message_overdue',
    class: 'transient',
    retry: 'never',
    breaker: 'none',
    scope: 'mailbox',
    title: 'Messages are overdue by more than 15 minutes',
    cause:
      'Messages of this mailbox were due a quarter of an hour ago and have not been sent, although it has turns to give: no function takes them up, or no connection is free.',
    remedy:
      'See them with `GET /api/messages?status=queued&mailbox=<mailbox>`, and whether the function `deliver` runs: `az monitor app-insights query --app <app insights> --analytics-query "requests | where name startswith \'deliver\' | top 20 by timestamp"`. Restart the app when it does not: `az functionapp restart --name <app> --resource-group <group>`.',
    source: sources.own,
    matches: [],
    samples: ['{"event":"alert.warning","code":"message_overdue","mailbox":"billing@contoso.com"}'],
  },
  {
    code: 'alert_test',
    class: 'transient',
    retry: 'never',
    breaker: 'none',
    scope: 'message',
    title: 'A test of the alert channels',
    cause: 'Somebody asked for a test. Nothing is wrong.',
    remedy: 'Nothing, if this can be read where alerts are read.',
    source: sources.own,
    matches: [],
    samples: ['{"event":"alert.test","code":"alert_test"}'],
  },
] as const satisfies readonly CatalogueEntry[];
