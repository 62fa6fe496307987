/** A mail as bytes, with an attachment in base64 that fills it up to `bytes`. */
export function rawMail(from: string, bytes: number): Buffer {
  const head = [
    `From: ${from}`,
    'To: ada@example.com',
    'Subject: Report',
    'MIME-Version: 1.0',
    'Content-Type: application/octet-stream',
    'Content-Transfer-Encoding: base64',
  ];
  const start = `${head.join('\r\n')}\r\n\r\n`;
  const line = `${'QUJD'.repeat(19)}\r\n`;
  return Buffer.from(
    (start + line.repeat(Math.ceil(bytes / line.length))).slice(0, bytes - 2).concat('\r\n'),
    'latin1',
  );
}
