import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type SecureContextOptions } from 'node:tls';
import type { M365 } from '../../local/m365/start-m365.ts';
import { fetchToken, xoauth2 } from './harness.ts';

/** An SMTP client that sends exactly what it is told to. */
export interface BareClient {
  /** Writes bytes as they are. */
  write(text: string | Buffer): void;
  /** The next whole reply, its lines joined by LF; '' when the server has closed. */
  reply(): Promise<string>;
  /** Writes a line with CRLF and reads the reply. */
  ask(line: string): Promise<string>;
  startTls(options?: SecureContextOptions): Promise<void>;
  close(): void;
}

/** Connects and reads the greeting (unless it is not wanted). */
export async function connectBare(m365: M365, readsGreeting = true): Promise<BareClient> {
  let socket: Socket = connect(Number(m365.settings['SMTP_PORT']), '127.0.0.1');
  let received = '';
  let closed = false;
  let wake = (): void => {};
  const listen = (): void => {
    socket.on('data', chunk => {
      received += chunk.toString();
      wake();
    });
    for (const event of ['close', 'error']) {
      socket.on(event, () => {
        closed = true;
        wake();
      });
    }
  };
  listen();
  await once(socket, 'connect');
  const client: BareClient = {
    write: text => void socket.write(text),
    async reply() {
      for (;;) {
        const whole = /^(?:\d{3}-[^\r\n]*\r\n)*\d{3} [^\r\n]*\r\n/.exec(received)?.[0];
        if (whole) {
          received = received.slice(whole.length);
          return whole.trimEnd().replaceAll('\r\n', '\n');
        }
        if (closed) return '';
        await new Promise<void>(resolve => {
          wake = resolve;
        });
      }
    },
    async ask(line) {
      client.write(`${line}\r\n`);
      return client.reply();
    },
    async startTls(options = {}) {
      socket.removeAllListeners('data');
      socket = connectTls({ socket, servername: 'localhost', ca: m365.state.caPem, ...options });
      listen();
      await once(socket, 'secureConnect');
    },
    close: () => void socket.destroy(),
  };
  if (readsGreeting) await client.reply();
  return client;
}

/** Connects, goes through STARTTLS and signs in to the mailbox (default: the settings'). */
export async function connectSignedIn(m365: M365, mailbox = m365.settings['MAIL_MAILBOX'] ?? ''): Promise<BareClient> {
  const client = await connectSecure(m365);
  const reply = await client.ask(`AUTH XOAUTH2 ${xoauth2(mailbox, await fetchToken(m365))}`);
  if (!reply.startsWith('235')) throw new Error(reply);
  return client;
}

/** Connects and goes through STARTTLS and the second EHLO. */
export async function connectSecure(m365: M365): Promise<BareClient> {
  const client = await connectBare(m365);
  await client.ask('EHLO test.example');
  await client.ask('STARTTLS');
  await client.startTls();
  await client.ask('EHLO test.example');
  return client;
}

/** Runs MAIL, RCPT and DATA up to the 354, then sends the content as it is and reads the verdict. */
export async function sendRaw(client: BareClient, content: string, from = 'billing@contoso.com'): Promise<string> {
  await client.ask(`MAIL FROM:<${from}>`);
  await client.ask('RCPT TO:<a@example.com>');
  const go = await client.ask('DATA');
  if (!go.startsWith('354')) return go;
  client.write(content);
  return client.reply();
}
