import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createSecureContext, type SecureContextOptions, TLSSocket } from 'node:tls';

export interface ScriptedSmtp {
  readonly port: number;
  /** Every line that came, in order; content of mails left out. */
  readonly lines: readonly string[];
  /** Connections so far. */
  readonly connections: () => number;
  /** Says this to every client that is connected, and hangs up. */
  hangUp(farewell?: string): Promise<void>;
  close(): Promise<void>;
}

export interface Script {
  /** Certificate and key, and what else the handshake is to be like. */
  readonly tls: SecureContextOptions;
  /** What EHLO offers after STARTTLS. */
  readonly offers?: readonly string[];
}

/** A mail server that takes everything; for what the simulator of Exchange, strict as it is, never does. */
export async function startScriptedSmtp({ tls, offers = ['AUTH XOAUTH2'] }: Script): Promise<ScriptedSmtp> {
  const lines: string[] = [];
  const open = new Set<Socket>();
  let connections = 0;

  function converse(socket: Socket, isSecure: boolean): void {
    let received = '';
    let isContent = false;
    const say = (...replies: string[]) => socket.write(replies.map(line => `${line}\r\n`).join(''));
    const hello = () => {
      const [last = 'SIZE', ...others] = isSecure ? [...offers, 'SIZE'].reverse() : ['STARTTLS'];
      say('250-mail.test', ...others.map(offer => `250-${offer}`), `250 ${last}`);
    };
    const answer = (line: string): void => {
      const verb = line.slice(0, 4).toUpperCase();
      if (verb === 'EHLO') hello();
      else if (verb === 'STAR') {
        say('220 go ahead');
        socket.removeAllListeners('data');
        const secure = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext(tls) });
        secure.on('error', () => socket.destroy());
        open.delete(socket);
        open.add(secure);
        converse(secure, true);
      } else if (verb === 'AUTH') say('235 2.7.0 signed in');
      else if (verb === 'DATA') {
        isContent = true;
        say('354 go ahead');
      } else if (verb === 'QUIT') {
        say('221 bye');
        socket.end();
      } else say('250 2.0.0 OK');
    };
    socket.on('error', () => socket.destroy());
    socket.on('data', chunk => {
      received += chunk.toString('latin1');
      for (let end = received.indexOf('\r\n'); end >= 0; end = received.indexOf('\r\n')) {
        const line = received.slice(0, end);
        received = received.slice(end + 2);
        if (!isContent) {
          lines.push(line);
          answer(line);
        } else if (line === '.') {
          isContent = false;
          say('250 2.0.0 OK');
        }
      }
    });
    if (!isSecure) say('220 mail.test ESMTP');
  }

  const server = createServer(socket => {
    connections++;
    open.add(socket);
    converse(socket, false);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    lines,
    connections: () => connections,
    async hangUp(farewell) {
      await Promise.all(
        [...open].map(
          socket =>
            new Promise<void>(resolve => {
              open.delete(socket);
              socket.once('close', () => resolve());
              socket.end(farewell === undefined ? '' : `${farewell}\r\n`);
            }),
        ),
      );
    },
    close: () =>
      new Promise(resolve => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
