import type { HttpHandler, HttpRequest } from '@azure/functions';
import { jsonAnswer } from './http-answer.ts';
import { openApiDocument } from './openapi/document.ts';
import { docsPageHtml, PAGE_POLICY } from './openapi/page.ts';

/** `GET /api/openapi.json` */
export function openApi(): HttpHandler {
  return async request => jsonAnswer(200, openApiDocument(serverUrl(request)));
}

let rendered: { readonly serverUrl: string; readonly page: string } | undefined;

/** `GET /api/docs`. The last page is kept: it is the same for everyone who uses the same address. */
export function docsPage(): HttpHandler {
  return async request => ({
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': PAGE_POLICY,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    },
    body: pageFor(serverUrl(request)),
  });
}

function pageFor(serverUrl: string): string {
  if (rendered?.serverUrl !== serverUrl) rendered = { serverUrl, page: docsPageHtml(openApiDocument(serverUrl)) };
  return rendered.page;
}

/** Where the routes are, as this caller reached us: `https://host/api`. */
function serverUrl(request: HttpRequest): string {
  const url = new URL(request.url);
  return `${url.origin}${url.pathname.slice(0, url.pathname.replace(/\/+$/, '').lastIndexOf('/'))}`;
}
