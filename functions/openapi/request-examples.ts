import type { z } from 'zod';
import type { mailRequestSchema } from '../../shared/domain/mail-request.ts';

type Mail = z.input<typeof mailRequestSchema>;

/** The smallest mail. */
export const smallMailExample: Mail = {
  from: 'billing@contoso.com',
  to: 'ada@example.com',
  subject: 'Invoice 42',
  text: 'Please find your invoice in the portal.',
};

/** A mail that uses most of what there is. */
export const mailExample: Mail = {
  from: { name: 'Contoso Billing', address: 'billing@contoso.com' },
  to: ['Ada Byron <ada@example.com>', { name: 'Bo Berg', address: 'bo@example.com' }],
  bcc: 'archive@contoso.com',
  replyTo: 'support@contoso.com',
  subject: 'Invoice 42',
  text: 'Your invoice is attached.',
  html: '<p>Your invoice is attached.</p><img src="cid:logo" alt="Contoso">',
  attachments: [
    { filename: '42.pdf', contentType: 'application/pdf', content: 'JVBERi0xLjQKJSVFT0YK' },
    {
      filename: 'logo.gif',
      contentType: 'image/gif',
      content: 'R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7',
      contentId: 'logo',
      disposition: 'inline',
    },
  ],
  headers: { 'X-Order': '42' },
  priority: 'high',
  metadata: { order: '42' },
  onUnknown: 'hold',
};

/** A mail for later that must not come too late. */
export const scheduledMailExample: Mail = {
  ...smallMailExample,
  sendAt: '2026-12-01T08:00:00Z',
  expiresAt: '2026-12-01T12:00:00+01:00',
};

/** The same as a raw mail. */
export const rawMailExample = [
  'From: Contoso Billing <billing@contoso.com>',
  'To: ada@example.com',
  'Subject: Invoice 42',
  'Content-Type: text/plain; charset=utf-8',
  '',
  'Please find your invoice in the portal.',
  '',
].join('\r\n');
