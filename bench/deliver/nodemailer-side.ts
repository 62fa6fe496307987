import { createTransport } from 'nodemailer';
import { MAILBOX, RECIPIENT } from './sample-mail.ts';

export function connectionOptions(port: number, accessToken: string) {
  return {
    host: 'localhost',
    port,
    secure: false,
    requireTLS: true,
    auth: { type: 'OAuth2' as const, user: MAILBOX, accessToken },
  };
}

export function mailOf(raw: Buffer) {
  return { envelope: { from: MAILBOX, to: [RECIPIENT] }, raw };
}

/**
 * nodemailer's own pool with as many connections as ours. It would leave a connection after 100 mails; it need not here,
 * so that its sessions stay as warm as ours: the harder floor.
 */
export function poolSide(port: number, token: string, maxConnections: number) {
  const transport = createTransport({
    pool: true,
    maxConnections,
    maxMessages: Number.POSITIVE_INFINITY,
    ...connectionOptions(port, token),
  });
  return async function send(count: number, raw: Buffer): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => transport.sendMail(mailOf(raw))));
  };
}

/** A transport for each mail, and with it a connection; the token is at hand. `atOnce` mails are under way. */
export function singleSide(port: number, token: string, atOnce: number) {
  return async function send(count: number, raw: Buffer): Promise<void> {
    let left = count;
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (left-- > 0) await createTransport(connectionOptions(port, token)).sendMail(mailOf(raw));
      }),
    );
  };
}
