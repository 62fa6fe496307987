import { ConfidentialClientApplication } from '@azure/msal-node';
import { createTransport } from 'nodemailer';
import { connectionOptions, mailOf } from './nodemailer-side.ts';

/** A token service and an app that may ask it; what the sending process is told. */
export interface SampleApp {
  /** https://localhost:<port>/<tenant> */
  readonly authority: string;
  readonly clientId: string;
  readonly certificate: { readonly thumbprintSha256: string; readonly privateKey: string; readonly x5c: string };
}

/**
 * What the samples for MSAL and nodemailer do for each mail: a new client for a token, a new transport, one mail. One mail
 * after the other.
 *
 * The client is given the endpoints: those of login.microsoftonline.com it knows without asking, and this floor is not to
 * be lower for a question that the real one never asks.
 */
export async function commonSampleSide(port: number, { authority, clientId, certificate }: SampleApp) {
  const answer = await fetch(`${authority}/v2.0/.well-known/openid-configuration`);
  const auth = {
    clientId,
    authority,
    knownAuthorities: [new URL(authority).host],
    authorityMetadata: await answer.text(),
    clientCertificate: certificate,
  };
  return async function send(count: number, raw: Buffer): Promise<void> {
    for (let sent = 0; sent < count; sent++) {
      const application = new ConfidentialClientApplication({ auth });
      const token = await application.acquireTokenByClientCredential({
        scopes: ['https://outlook.office365.com/.default'],
      });
      if (!token) throw new Error('MSAL gave no token.');
      const transport = createTransport(connectionOptions(port, token.accessToken));
      await transport.sendMail(mailOf(raw));
      transport.close();
    }
  };
}
