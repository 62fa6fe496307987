import type { MailSettings } from '../../shared/domain/mail-settings.ts';
import { EXCHANGE_ONLINE_LIMITS } from '../../shared/domain/sender.ts';

/** Settings with one sender, billing@contoso.com. */
export const MAIL_SETTINGS: MailSettings = {
  senders: [
    {
      mailboxes: ['billing@contoso.com'],
      from: ['billing@contoso.com'],
      tenantId: 't',
      clientId: 'c',
      credential: { kind: 'secret', name: 's' },
      limits: EXCHANGE_ONLINE_LIMITS,
    },
  ],
  mode: 'live',
  allowList: [],
  deadlineMs: 86_400_000,
  retention: { afterSentMs: 0, afterFailureMs: 0 },
  recordRetentionMs: 86_400_000,
};
