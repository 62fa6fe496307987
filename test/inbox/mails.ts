import type { MailStore, StoredMail } from '../../local/m365/mail-store.ts';

/** One builder for stored mails: `raw` as lines, the rest as Exchange's simulator would fill it. */
export function addMail(store: MailStore, lines: string[] | Buffer, more: Partial<StoredMail> = {}): StoredMail {
  return store.add({
    receivedAt: new Date('2026-11-21T12:00:00Z'),
    mailbox: 'billing@contoso.com',
    appId: '7d0a1f0e-2f4c-4c0f-9b5e-5a1c6f2d3e01',
    envelope: { from: 'billing@contoso.com', to: ['ada@example.com'] },
    raw: Buffer.isBuffer(lines) ? lines : Buffer.from(lines.join('\r\n')),
    serverMessageId: '<ABC@AM0PR04CA0017.eurprd04.prod.outlook.com>',
    tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
    connectionId: 'c-1',
    hasBareLineEnds: false,
    transcript: ['S: 220 ready', 'C: AUTH XOAUTH2 [credentials]', 'S: 235 2.7.0 Authentication successful'],
    ...more,
  });
}

/** A plain mail. */
export const plainMail = (subject: string, text = 'body', from = 'Billing <billing@contoso.com>'): string[] => [
  `From: ${from}`,
  'To: Ada <ada@example.com>',
  `Subject: ${subject}`,
  '',
  text,
];

/** A multipart mail: its own headers, and the parts as lines. */
export const multipart = (kind: string, boundary: string, parts: string[][]): string[] => [
  `Content-Type: multipart/${kind}; boundary="${boundary}"`,
  '',
  ...parts.flatMap(part => [`--${boundary}`, ...part]),
  `--${boundary}--`,
];
