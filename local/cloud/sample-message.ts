/** A mail as the API takes it: text, HTML and a small attachment. */
export function sampleMessage(from: string) {
  const report = 'order,amount\n42,128.40\n43,12.00\n';
  return {
    from: `Exosend sample <${from}>`,
    to: ['Ada Lovelace <ada@example.com>'],
    subject: 'Hello from Exosend',
    text: 'Hello Ada,\n\nthis mail came through the whole way: API, queue, Key Vault, Entra ID, SMTP with XOAUTH2.\n',
    html:
      '<body style="font-family: sans-serif; max-width: 34em; margin: 2em auto; color: #222">' +
      '<h1 style="color: #1d4ed8">Hello Ada</h1>' +
      '<p>This mail came through the whole way:</p>' +
      '<ol><li>API</li><li>queue</li><li>Key Vault</li><li>Entra ID</li><li>SMTP with XOAUTH2</li></ol>' +
      '<p>Look at <b>Conversation</b> to see what was said on the line.</p></body>',
    attachments: [
      {
        filename: 'orders.csv',
        contentType: 'text/csv',
        content: Buffer.from(report).toString('base64'),
      },
    ],
    metadata: { sample: 'yes' },
  };
}
