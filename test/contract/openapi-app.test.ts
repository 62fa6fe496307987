import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { OpenApiDocument } from '../../functions/openapi/document-types.ts';
import { buildApp } from '../../scripts/build.ts';
import { storageClients } from '../../shared/adapters/storage/storage-clients.ts';
import { tableIncidents } from '../../shared/adapters/storage/table-incidents.ts';
import { QUIET } from '../../shared/domain/incident.ts';
import { stepIncident } from '../../shared/domain/incident-step.ts';
import { newMessageId } from '../../shared/domain/message-id.ts';
import { type App, startApp } from '../support/app.ts';
import { mailRequest } from '../support/requests.ts';
import { type RealAnswer, untold } from './openapi-reader.ts';

/** What only a fault can bring about, or another setting than these tests run with. */
const NOT_PROVOKED = [
  'post /messages 409',
  'post /messages 429',
  ...['post /messages', 'post /messages/batch', 'get /messages', 'get /status', 'get /explain'].map(
    operation => `${operation} 500`,
  ),
  ...['get', 'delete'].map(method => `${method} /messages/{id} 500`),
  'post /messages/{id}/retry 500',
  'post /probe 409',
  'post /probe 500',
  'get /probes 500',
  'post /incidents/{id}/ack 500',
  'post /alerts/test 500',
];

const root = await mkdtemp(join(tmpdir(), 'exosend-openapi-'));
const seen = new Set<string>();
let app: App;
let document: OpenApiDocument;

before(async () => {
  // The document and the app that answers must come of the same source, whatever dist/ holds.
  await buildApp(join(root, 'dist'));
  await copyFile('host.json', join(root, 'host.json'));
  await writeFile(join(root, 'package.json'), JSON.stringify({ type: 'module', main: 'dist/main.js' }));
  app = await startApp({ root, m365: { world: { exchange: { limits: { rateAction: 'off' } } } } });
  const { MAIL_TENANT_ID: tenantId, MAIL_CLIENT_ID: clientId, MAIL_MAILBOX: mailbox } = app.m365.settings;
  const name = app.m365.settings['MAIL_CERTIFICATE_NAME'];
  const sender = { mailbox, from: ['*@contoso.com'], tenantId, clientId, credential: { kind: 'certificate', name } };
  await app.restartHost({ MAIL_SENDERS: JSON.stringify([{ ...sender, limits: { messageBytes: 200_000 } }]) });
  const answer = await fetch(`${app.url}/api/openapi.json`);
  document = (await answer.json()) as OpenApiDocument;
});
after(async () => {
  await app?.close();
  await rm(root, { recursive: true, force: true });
});

interface Call {
  readonly url?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly id?: string;
}

/** Calls an operation of the document, expects a status, and holds the answer against the document. */
async function call(operation: string, status: number, options: Call = {}): Promise<RealAnswer & { body: Body }> {
  const [method = '', template = ''] = operation.split(' ');
  const path = template.replace('{id}', options.id ?? '01M8R9W90ANZW54PXPA9GK41SJ');
  const isRaw =
    typeof options.body === 'string' || options.body instanceof Uint8Array || options.body instanceof FormData;
  const response = await fetch(`${options.url ?? app.url}/api${path}${options.query ?? ''}`, {
    method: method.toUpperCase(),
    headers: {
      ...(options.body === undefined || isRaw ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(options.body === undefined ? {} : { body: (isRaw ? options.body : JSON.stringify(options.body)) as string }),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  const answer = { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  assert.equal(answer.status, status, `${operation}: ${text.slice(0, 500)}`);
  assert.deepEqual(untold(document, operation, answer), []);
  seen.add(`${operation} ${status}`);
  return answer;
}

// biome-ignore lint/suspicious/noExplicitAny: what the API gives has just been held against its schema
type Body = any;

const send = (changes: Readonly<Record<string, unknown>> = {}, headers: Readonly<Record<string, string>> = {}) =>
  call('post /messages', 202, { body: mailRequest(changes), headers });

test('what is sent can be read, listed, and neither cancelled nor retried', async () => {
  const { body } = await send({ metadata: { order: '42' }, cc: 'bo@example.com' });
  await app.until(body.id, ['sent']);
  const { body: message } = await call('get /messages/{id}', 200, { id: body.id });
  assert.equal(message.status, 'sent');
  await call('delete /messages/{id}', 409, { id: body.id });
  await call('post /messages/{id}/retry', 409, { id: body.id });
  const first = await call('get /messages', 200, { query: '?limit=1&status=sent&mailbox=billing@contoso.com' });
  assert.equal(first.body.messages[0].id, body.id);
});

test('what Exchange refuses is told with its diagnosis and can be retried', async () => {
  const { body } = await send({ from: 'nobody@contoso.com' });
  await app.until(body.id, ['failed']);
  const { body: message } = await call('get /messages/{id}', 200, { id: body.id });
  assert.ok(message.diagnosis.remedy);
  await call('post /messages/{id}/retry', 202, { id: body.id });
  await app.until(body.id, ['failed']);
});

test('a scheduled message can be cancelled, once and again', async () => {
  const sendAt = new Date(Date.now() + 3_600_000).toISOString();
  const expiresAt = new Date(Date.now() + 7_200_000).toISOString();
  const { body } = await send({ sendAt, expiresAt, priority: 'high' });
  await call('get /messages/{id}', 200, { id: body.id });
  await call('delete /messages/{id}', 200, { id: body.id });
  await call('delete /messages/{id}', 200, { id: body.id });
});

test('a queue request that was refused is a message with errors, without content', async () => {
  await app.trigger('acceptQueued', JSON.stringify({ to: 42, colour: 'red' }));
  await app.hostLines.waitFor(({ event }) => event === 'request.refused');
  const { body: list } = await call('get /messages', 200, { query: '?status=failed' });
  const { id } = list.messages.find((message: Body) => message.code === 'request_invalid');
  const { body: message } = await call('get /messages/{id}', 200, { id });
  assert.ok(message.errors.length >= 2);
  await call('post /messages/{id}/retry', 410, { id });
});

test('lists go on by their continuation', async () => {
  await Promise.all([send(), send()]);
  const { body: page } = await call('get /messages', 200, { query: '?limit=1' });
  const { body: next } = await call('get /messages', 200, {
    query: `?limit=1&continuation=${encodeURIComponent(page.continuation)}`,
  });
  assert.notEqual(next.messages[0].id, page.messages[0].id);
  await call('get /messages', 200, { query: '?limit=100' });
  for (const query of ['?limit=101', '?limit=0', '?status=lost', '?continuation=x', '?colour=red'])
    await call('get /messages', 422, { query });
});

test('the three forms of body, and the dry run', async () => {
  const raw = 'From: billing@contoso.com\r\nTo: ada@example.com\r\nSubject: Hi\r\n\r\nHello.\r\n';
  const rfc822 = { 'content-type': 'message/rfc822' };
  await call('post /messages', 202, { body: raw, headers: rfc822, query: '?to=ada@example.com&to=bo@example.com' });
  await call('post /messages', 200, { body: raw, headers: rfc822, query: '?dryRun=true' });
  await call('post /messages', 200, { body: mailRequest({ dryRun: true }) });
  const form = new FormData();
  form.set('message', JSON.stringify(mailRequest({ dryRun: true })));
  form.set('file', new File(['%PDF'], '42.pdf', { type: 'application/pdf' }));
  await call('post /messages', 200, { body: form });
});

test('an Idempotency-Key: replayed, reused, malformed', async () => {
  const key = { 'idempotency-key': '"invoice-42"' };
  const first = await send({}, key);
  assert.equal(first.headers.get('idempotent-replayed'), null);
  const again = await send({}, key);
  assert.equal(again.headers.get('idempotent-replayed'), 'true');
  assert.equal(again.body.id, first.body.id);
  await call('post /messages', 422, { body: mailRequest({ subject: 'Other' }), headers: key });
  const bad = { 'idempotency-key': 'x'.repeat(256) };
  await call('post /messages', 400, { body: mailRequest(), headers: bad });
  await call('post /messages/batch', 400, { body: [mailRequest()], headers: bad });
});

test('what cannot be taken is refused as told', async () => {
  const json = { 'content-type': 'application/json' };
  const { body: problem } = await call('post /messages', 422, { body: mailRequest({ to: 'nobody', colour: 'red' }) });
  assert.deepEqual(problem.errors.map((error: Body) => error.pointer).sort(), ['/colour', '/to']);
  await call('post /messages', 400, { body: '{', headers: json });
  await call('post /messages', 403, { body: mailRequest({ from: 'ceo@fabrikam.com' }) });
  await call('post /messages', 413, { body: mailRequest({ text: 'x'.repeat(250_000) }) });
  await call('post /messages', 415, { body: 'a,b', headers: { 'content-type': 'text/csv' } });
  await call('post /messages/batch', 400, { body: '[', headers: json });
  await call('post /messages/batch', 413, { body: Buffer.alloc(50 * 1024 * 1024 + 1, ' '), headers: json });
  await call('post /messages/batch', 415, { body: 'a,b', headers: { 'content-type': 'text/csv' } });
  await call('post /messages/batch', 422, { body: [] });
  for (const operation of ['get /messages/{id}', 'delete /messages/{id}', 'post /messages/{id}/retry']) {
    await call(operation, 404);
    await call(operation, 404, { id: 'no-id' });
  }
});

test('a batch tells of each mail by itself', async () => {
  const body = [mailRequest(), mailRequest({ from: 'ceo@fabrikam.com' }), mailRequest({ dryRun: true }), 42];
  const headers = { 'idempotency-key': 'batch-1' };
  const { body: first } = await call('post /messages/batch', 207, { body, headers });
  assert.deepEqual(
    first.results.map((result: Body) => result.status),
    [202, 403, 200, 422],
  );
  const { body: again } = await call('post /messages/batch', 207, { body, headers });
  assert.equal(again.results[0].replayed, true);
  assert.equal(again.results[0].message.id, first.results[0].message.id);
});

test('the status is as told', async () => {
  const { body } = await call('get /status', 200);
  assert.equal(body.mailboxes.length, 1);
  assert.equal(body.missing.length, 0);
});

test('an incident is acknowledged, and the channels are tested', async () => {
  const connectionString = app.connectionString;
  const store = tableIncidents(storageClients({ kind: 'connectionString', connectionString }));
  const at = { startMs: Date.now() - 10_000, endMs: Date.now() };
  const cause = { code: 'vault_certificate_expired', kind: 'app' } as const;
  const evidence = { verdict: 'bad', by: 'probe', cause, mailboxes: ['billing@contoso.com'], ...at } as const;
  const id = newMessageId(at.endMs, new Uint8Array(10));
  const { state: subject } = stepIncident(QUIET, evidence, () => id);
  assert.ok((await store.write({ key: 'mailbox:billing@contoso.com', subject, notices: [] }, undefined)).ok);
  for (let times = 0; times < 2; times++) await call('post /incidents/{id}/ack', 200, { id });
  assert.equal((await store.list())[0]?.row.subject?.incident?.isAcknowledged, true);
  await call('post /incidents/{id}/ack', 404);
  await call('post /incidents/{id}/ack', 404, { id: 'no-id' });
  const { body } = await call('post /alerts/test', 200);
  assert.deepEqual(body, { channels: [] });
});

test('errors are explained', async () => {
  const { body } = await call('get /explain', 200, { query: '?text=535%205.7.3%20Authentication%20unsuccessful' });
  assert.ok(body.matches.length > 0);
  await call('get /explain', 200, { query: '?text=nothing%20of%20note' });
  await call('get /explain', 422);
});

test('a probe tells of each phase, and its runs are kept', async () => {
  const { body } = await call('post /probe', 200);
  // Neutral while the sessions of the tests above hold every connection of the mailbox.
  assert.notEqual(body.runs[0].ok, false, JSON.stringify(body));
  await call('post /probe', 200, { query: '?mailbox=billing@contoso.com' });
  await call('post /probe', 400, { query: '?mailbox=nobody@contoso.com' });
  const { body: page } = await call('get /probes', 200, { query: '?limit=1' });
  assert.equal(page.summary[0].runs + page.summary[0].neutral, 2);
  await call('get /probes', 200, { query: `?limit=1&continuation=${page.continuation}` });
  await call('get /probes', 400, { query: '?from=yesterday' });
});

test('health, document and page ask for no key; the page lets nothing else in', async () => {
  const host = await app.startHostProcess({ keys: true });
  for (const operation of ['get /health', 'get /openapi.json', 'get /docs', 'get /dashboard'])
    await call(operation, 200, { url: host.url });
  const page = await call('get /docs', 200);
  const policy = page.headers.get('content-security-policy') ?? '';
  assert.match(policy, /^default-src 'none'; style-src 'sha256-\S+'; script-src 'sha256-\S+';/);
  assert.equal(document.servers[0]?.url, `${app.url}/api`);
  assert.ok(String(page.body).includes(`${app.url}/api`));
  await host.stop();
});

const guarded = () =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, { security }]) => (security ? [] : [`${method} ${path}`])),
  );
const bodyFor = (operation: string): Call => (operation.startsWith('post /messages') ? { body: mailRequest() } : {});

test('without a key the platform refuses, with one in the address the app', async () => {
  const { url, keys, stop } = await app.startHostProcess({ keys: true });
  const key = keys?.host ?? '';
  for (const operation of guarded()) {
    await call(operation, 401, { url, ...bodyFor(operation) });
    await call(operation, 401, { url, ...bodyFor(operation), query: `?code=${key}` });
  }
  await call('get /messages', 200, { url, headers: { 'x-functions-key': key } });
  await stop();
});

test('with callers known by Entra ID: 401 without a principal, 403 without a role, 404 for another’s message', async () => {
  const env = { MAIL_CALLER_AUTH: 'entra', WEBSITE_AUTH_ENABLED: 'True' };
  const { url, stop } = await app.startHostProcess({ env });
  const principal = (...roles: string[]) => {
    const claims = [{ typ: 'azp', val: 'app-1' }, ...roles.map(val => ({ typ: 'roles', val }))];
    return { 'x-ms-client-principal': Buffer.from(JSON.stringify({ claims })).toString('base64') };
  };
  for (const operation of guarded()) {
    await call(operation, 401, { url, ...bodyFor(operation) });
    await call(operation, 403, { url, ...bodyFor(operation), headers: principal('Mail.Read') });
  }
  const { body } = await send();
  await call('get /messages/{id}', 404, { url, id: body.id, headers: principal('Mail.Send') });
  await call('get /messages/{id}', 200, { url, id: body.id, headers: principal('Mail.Operate') });
  await stop();
});

test('with unusable settings every guarded call is refused, and the document can still be read', async () => {
  // Without storage it has no queues either: it would only spoil what the other host is sending.
  const { url, stop } = await app.startHostProcess({ env: { AzureWebJobsStorage: undefined, MAIL_SENDERS: '[' } });
  await call('get /health', 503, { url });
  await call('get /openapi.json', 200, { url });
  await call('get /docs', 200, { url });
  for (const operation of guarded()) await call(operation, 503, { url, ...bodyFor(operation) });
  await stop();
});

test('the commands on the page work', async () => {
  const run = promisify(execFile);
  const cwd = join(root, 'curl');
  await mkdir(cwd);
  await writeFile(join(cwd, 'invoice.pdf'), '%PDF-1.4');
  const page = String((await call('get /docs', 200)).body);
  const commands = [...page.matchAll(/<code>(curl .*?)<\/code>/gs)].map(match => plainText(match[1] ?? ''));
  assert.ok(commands.length >= 14, String(commands.length));
  const isDated = (command: string) => command.includes('sendAt');
  for (const [index, command] of commands.filter(text => !isDated(text)).entries()) {
    // Each with a key of its own: the page shows one key for all.
    const line = `${command.replace('invoice-42', `curl-${index}`)} -sS --noproxy '*' -o answer -w '%{http_code}'`;
    const { stdout } = await run('bash', ['-c', line], { cwd, env: { ...process.env, EXOSEND_KEY: 'any' } });
    assert.match(stdout, /\{id\}|01M8R/.test(command) ? /^404$/ : /^20[0-7]$/, command);
  }
});

test('every status that the document tells of has been seen, but for those that need a fault', () => {
  const told = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, { responses }]) =>
      Object.keys(responses).map(status => `${method} ${path} ${status}`),
    ),
  );
  assert.deepEqual(told.filter(status => !seen.has(status)).sort(), [...NOT_PROVOKED].sort());
});

function plainText(markup: string): string {
  return markup.replace(/<[^>]+>/g, '').replace(/&#(\d+);/g, (_all, code) => String.fromCharCode(Number(code)));
}
