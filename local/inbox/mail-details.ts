import type { StoredMail } from '../m365/mail-store.ts';
import { loadsFromOutside } from './mail-html.ts';
import type { ParsedMail } from './parse-mail.ts';

/** One mail in full, as JSON; its HTML, source and parts have addresses of their own. */
export function mailDetails(mail: StoredMail, parsed: ParsedMail) {
  const { parts, html, ...texts } = parsed;
  return {
    id: mail.id,
    receivedAt: mail.receivedAt.toISOString(),
    bytes: mail.raw.length,
    ...texts,
    hasHtml: html !== '',
    loadsFromOutside: loadsFromOutside(html),
    attachments: parts.map(({ content, contentId, ...part }, index) => ({
      index,
      ...part,
      ...(contentId === undefined ? {} : { contentId }),
      bytes: content.length,
    })),
    envelope: mail.envelope,
    signIn: { mailbox: mail.mailbox, appId: mail.appId, tls: mail.tls, connectionId: mail.connectionId },
    serverMessageId: mail.serverMessageId,
    hasBareLineEnds: mail.hasBareLineEnds,
    transcript: mail.transcript,
  };
}
