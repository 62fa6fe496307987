import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MailStore, StoredMail } from '../m365/mail-store.ts';
import { createMailLister } from './list-mails.ts';
import type { LiveUpdates } from './live-updates.ts';
import { loadPage, type Page } from './load-page.ts';
import { mailDetails } from './mail-details.ts';
import { MAIL_CSP, mailDocument } from './mail-html.ts';
import { type ParsedMail, parseMail } from './parse-mail.ts';
import { attachmentDisposition, partHeaders } from './part-headers.ts';

const MAX_LIMIT = 500;

type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Makes what answers the inbox's requests: GET / (the page); GET and DELETE /api/mails; GET /api/mails/{id} and its /html,
 * /raw and /parts/{index}; GET /api/events (server-sent).
 */
export function inboxAnswer(store: MailStore, updates: LiveUpdates): Answer {
  const list = createMailLister(store);
  let page: Promise<Page> | undefined;
  let last: { mail: StoredMail; parsed: Promise<ParsedMail> } | undefined;
  // A mail is looked at tab by tab: the last one stays taken apart.
  const parsedOf = (mail: StoredMail): Promise<ParsedMail> => {
    if (last?.mail !== mail) last = { mail, parsed: parseMail(mail) };
    return last.parsed;
  };

  return async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://inbox');
    const [, root, what, id, part, index] = url.pathname.split('/');
    const call = `${request.method} /${root}${what ? `/${what}` : ''}${id ? '/*' : ''}${part ? `/${part}` : ''}`;
    if (call === 'GET /') {
      page ??= loadPage();
      const { html, csp } = await page;
      return send(response, 200, html, { 'Content-Type': HTML, 'Content-Security-Policy': csp });
    }
    if (call === 'GET /api/events') return updates.serve(response);
    if (call === 'GET /api/mails') return sendJson(response, 200, await list(queryOf(url.searchParams)));
    if (call === 'DELETE /api/mails') {
      store.clear();
      return send(response, 204);
    }
    const mail = id && call.startsWith('GET /api/mails/') ? store.get(id) : undefined;
    if (!mail) return sendJson(response, 404, { error: 'There is nothing here.' });
    const parsed = await parsedOf(mail);
    switch (part) {
      case undefined:
        return sendJson(response, 200, mailDetails(mail, parsed));
      case 'html':
        return send(response, 200, mailDocument(parsed), { 'Content-Type': HTML, 'Content-Security-Policy': MAIL_CSP });
      case 'raw':
        return send(response, 200, mail.raw, {
          'Content-Type': 'message/rfc822',
          'Content-Disposition': attachmentDisposition(`mail-${mail.id}.eml`),
        });
      case 'parts': {
        const found = /^\d{1,4}$/.test(index ?? '') ? parsed.parts[Number(index)] : undefined;
        if (found) return send(response, 200, found.content, partHeaders(found, Number(index)));
      }
    }
    sendJson(response, 404, { error: 'There is nothing here.' });
  };
}

const HTML = 'text/html; charset=utf-8';

function queryOf(query: URLSearchParams) {
  const count = (name: string, fallback: number): number => {
    const value = Number(query.get(name) ?? fallback);
    return Number.isInteger(value) && value >= 0 ? value : fallback;
  };
  return {
    search: (query.get('q') ?? '').slice(0, 200),
    offset: count('offset', 0),
    limit: Math.min(count('limit', 100), MAX_LIMIT),
  };
}

function send(
  response: ServerResponse,
  status: number,
  body?: string | Buffer,
  headers: Record<string, string> = {},
): void {
  const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
  response.writeHead(status, { ...headers, ...length }).end(body);
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  send(response, status, JSON.stringify(body), { 'Content-Type': 'application/json; charset=utf-8' });
}
