import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Message } from '../../functions/dashboard/page/api-shapes.ts';
import { dashboardAnswer } from '../../functions/http-dashboard.ts';
import { buildDashboard } from '../../scripts/build-dashboard.ts';
import type { StatusReport } from '../../shared/domain/status-report.ts';
import { messages, summaryOf } from './message-fixture.ts';
import { probeRun } from './status-fixture.ts';

/** What the page is told, changed by the tests as they go. */
export interface World {
  status: StatusReport;
  messages: Message[];
  /** The only key that is accepted; undefined: none is asked for. */
  key: string | undefined;
  /** Answers of a path in place of the usual ones, e.g. `GET /api/status` → 503. */
  readonly faults: Map<
    string,
    { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> }
  >;
  /** Method and path with query of each call, and the key it came with. */
  readonly calls: { readonly call: string; readonly key: string | undefined }[];
}

export interface PageServer {
  readonly url: string;
  readonly world: World;
  close(): Promise<void>;
}

/** The built page with the very headers that the app gives it, and an API that answers from `world`. */
export async function startPageServer(status: StatusReport, auth: 'key' | 'entra' = 'key'): Promise<PageServer> {
  const page = dashboardAnswer(await buildDashboard(), auth);
  const world: World = { status, messages: messages(), key: undefined, faults: new Map(), calls: [] };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (url.pathname === '/api/dashboard') {
      response.writeHead(200, page.headers as Record<string, string>).end(page.body);
      return;
    }
    const key = request.headers['x-functions-key'];
    const call = `${request.method} ${url.pathname}${url.search}`;
    world.calls.push({ call, key: typeof key === 'string' ? key : undefined });
    const fault = world.faults.get(`${request.method} ${url.pathname}`);
    if (fault) {
      response.writeHead(fault.status, { 'content-type': 'application/problem+json', ...fault.headers });
      response.end(fault.body === undefined ? '' : JSON.stringify(fault.body));
      return;
    }
    if (world.key !== undefined && key !== world.key) {
      response.writeHead(401).end();
      return;
    }
    const { status: code, body } = answer(world, request.method ?? '', url);
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/api/dashboard`,
    world,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(world: World, method: string, url: URL): { readonly status: number; readonly body: unknown } {
  const [, , route, id, verb] = url.pathname.split('/').map(decodeURIComponent);
  const absent = { status: 404, body: { code: 'message_not_found', detail: 'There is no such message.' } };
  const message = world.messages.find(one => one.id === id);
  const change = (status: string, code: number) => {
    world.messages = world.messages.map(one => (one.id === id ? { ...one, status } : one));
    return { status: code, body: world.messages.find(one => one.id === id) };
  };
  switch (`${method} ${route}${id === undefined ? '' : '/id'}${verb === undefined ? '' : `/${verb}`}`) {
    case 'GET status':
      return { status: 200, body: world.status };
    case 'GET messages': {
      const [status, mailbox] = ['status', 'mailbox'].map(name => url.searchParams.get(name));
      const found = world.messages.filter(
        one => (!status || one.status === status) && (!mailbox || one.mailbox === mailbox),
      );
      return { status: 200, body: { messages: found.map(summaryOf) } };
    }
    case 'GET messages/id':
      return message ? { status: 200, body: message } : absent;
    case 'DELETE messages/id':
      return message ? change('cancelled', 200) : absent;
    case 'POST messages/id/retry':
      return message ? change('queued', 202) : absent;
    case 'POST incidents/id/ack':
      world.status = {
        ...world.status,
        incidents: world.status.incidents.map(one => (one.id === id ? { ...one, acknowledged: true } : one)),
      };
      return { status: 200, body: {} };
    case 'POST probe': {
      const mailbox = url.searchParams.get('mailbox') ?? '';
      return { status: 200, body: { runs: [probeRun(mailbox, Date.now(), 1)] } };
    }
    case 'GET probes': {
      const run = {
        ...probeRun('', Date.parse(url.searchParams.get('from') ?? ''), 1, 'auth'),
        transcript: TRANSCRIPT,
      };
      return { status: 200, body: { runs: [run] } };
    }
    default:
      return absent;
  }
}

const TRANSCRIPT = [
  'S: 220 smtp.office365.com',
  'C: AUTH XOAUTH2 [redacted]',
  'S: 535 5.7.3 Authentication unsuccessful',
];
