import { createServer, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { serve } from '../support/serve.ts';

/**
 * An SMTP server that takes every mail and keeps none: STARTTLS, AUTH XOAUTH2 with any token, PIPELINING, SIZE, 8BITMIME.
 * Bare on purpose: whatever it spends on a mail hides a difference between those who send.
 */
const counts = { connections: 0, mails: 0, bytes: 0 };

serve({
  async start({ cert, key }: { cert: string; key: string }): Promise<number> {
    const secureContext = createSecureContext({ cert, key });
    const server = createServer({ noDelay: true }, socket => {
      counts.connections++;
      socket.on('error', () => socket.destroy());
      socket.write('220 sink.example ESMTP\r\n');
      converse(socket, false, () => {
        const secured = new TLSSocket(socket, { isServer: true, secureContext });
        secured.on('error', () => socket.destroy());
        converse(secured, true, () => socket.destroy());
      });
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as { port: number }).port;
  },
  counts: () => counts,
});

const END_OF_MAIL = Buffer.from('\r\n.\r\n');

function converse(socket: Socket, isSecure: boolean, startTls: () => void): void {
  let rest: Buffer = Buffer.alloc(0);
  let isInMail = false;
  const onData = (chunk: Buffer): void => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let answers = '';
    for (;;) {
      const mark: Buffer | string = isInMail ? END_OF_MAIL : '\r\n';
      const at = rest.indexOf(mark);
      if (at < 0) break;
      const line = rest.toString('latin1', 0, isInMail ? 0 : at);
      rest = rest.subarray(at + mark.length);
      if (isInMail) {
        isInMail = false;
        counts.mails++;
        counts.bytes += at + 2;
        answers += `250 2.6.0 <${counts.mails}@sink.example> Queued mail for delivery\r\n`;
      } else if (/^STARTTLS/i.test(line)) {
        socket.removeListener('data', onData);
        socket.write('220 2.0.0 Ready\r\n');
        startTls();
        return;
      } else if (/^QUIT/i.test(line)) {
        socket.end(`${answers}221 2.0.0 Bye\r\n`);
        return;
      } else {
        isInMail = /^DATA/i.test(line);
        answers += answerTo(line, isSecure);
      }
    }
    if (answers !== '') socket.write(answers);
  };
  socket.on('data', onData);
}

function answerTo(line: string, isSecure: boolean): string {
  switch (line.slice(0, 4).toUpperCase()) {
    case 'EHLO':
      return `250-sink.example\r\n250-SIZE 36700160\r\n250-PIPELINING\r\n${isSecure ? '250-AUTH XOAUTH2\r\n' : '250-STARTTLS\r\n'}250 8BITMIME\r\n`;
    case 'AUTH':
      return '235 2.7.0 Authentication successful\r\n';
    case 'DATA':
      return '354 Start mail input\r\n';
    default:
      return '250 2.1.0 OK\r\n';
  }
}
