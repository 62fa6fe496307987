export const MAILBOX = 'billing@contoso.com';
export const RECIPIENT = 'ada@example.com';

/** A plain mail of about 2 KB, CRLF throughout: the bytes that every side of the bench sends. */
export function sampleMail(): Buffer {
  const line = 'Dear Ada, your invoice is ready and waits for you in the portal, as every month.\r\n';
  const head = [
    'X-Exosend-Id: 01J00000000000000000000000',
    `From: Contoso Billing <${MAILBOX}>`,
    `To: ${RECIPIENT}`,
    'Subject: Invoice 42',
    'Date: Tue, 01 Dec 2026 08:00:00 +0000',
    'Message-ID: <01J00000000000000000000000@contoso.com>',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 7bit',
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${line.repeat(20)}`);
}
