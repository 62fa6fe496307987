import { TableClient } from '@azure/data-tables';
import { type Cloud, type CloudOptions, startCloud } from '../../local/cloud/start-cloud.ts';
import { CLIENT_ID, TENANT_ID } from '../../local/m365/default-world.ts';

/** The answer of the API, its JSON read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests read what the API gives, and assert what they read
  readonly body: any;
}

export interface App extends Cloud {
  call(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  send(request: Record<string, unknown>, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Follows a message until it has one of these states. */
  until(id: string, states: readonly string[], timeoutMs?: number): Promise<Answer['body']>;
  /** Closes every breaker and forgets every turn: what a test before has left. Before a restart of the host. */
  forgetMailboxes(): Promise<void>;
  /** A new process on mailboxes without a past: no token, no session, no open breaker. */
  restartAfresh(env?: Record<string, string | undefined>): Promise<void>;
  /** Runs a function of the app now, e.g. the timer `sweep`. */
  trigger(name: string, input?: string): Promise<void>;
}

/** The default world's sender at a rate that no test waits for; pacing has tests of its own. */
const QUICK_SENDER = {
  mailbox: 'billing@contoso.com',
  tenantId: TENANT_ID,
  clientId: CLIENT_ID,
  credential: { kind: 'certificate', name: 'exosend-smtp' },
  limits: { messagesPerMinute: 60_000 },
};

/**
 * What the roles that the deployment gives the app allow it in the vault: Key Vault Secrets User, and Key Vault Crypto User for a
 * key that stays there (docs/deployment.md, "Roles"). The stand-in refuses everything else.
 */
export const APP_VAULT_OPERATIONS = ['secrets/get', 'secrets/list', 'keys/get', 'keys/list', 'keys/sign'];

/** The built app on the local cloud, with an identity that may do no more than the deployment lets it. Queues are polled fast, so that tests wait for nothing but the work. */
export async function startApp(options: CloudOptions = {}): Promise<App> {
  const cloud = await startCloud({
    ...options,
    env: {
      AzureFunctionsJobHost__extensions__queues__maxPollingInterval: '00:00:00.200',
      LOCAL_HOST_GRACE_SECONDS: '0.2',
      LOCAL_HOST_TIMER_LEASE_SECONDS: '0',
      // Once a year: a test that counts runs asks for them itself.
      PROBE_SCHEDULE: '0 0 4 1 1 *',
      MAIL_SENDERS: JSON.stringify([QUICK_SENDER]),
      ...options.env,
    },
  });
  for (const identity of cloud.m365.world.identities) identity.vaultOperations ??= [...APP_VAULT_OPERATIONS];
  const app: App = {
    ...cloud,
    async call(method, path, body, headers = {}) {
      const isRaw =
        typeof body === 'string' ||
        body instanceof Uint8Array ||
        body instanceof FormData ||
        body instanceof ReadableStream;
      const response = await fetch(`${cloud.url}${path}`, {
        method,
        headers: { ...(body === undefined || isRaw ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined
          ? {}
          : { body: isRaw ? (body as NonNullable<RequestInit['body']>) : JSON.stringify(body) }),
        ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
      } as RequestInit);
      const text = await response.text();
      const isJson = /json/.test(response.headers.get('content-type') ?? '');
      return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
    },
    send: (request, headers) => app.call('POST', '/api/messages', request, headers),
    async until(id, states, timeoutMs = 15_000) {
      const end = Date.now() + timeoutMs;
      for (;;) {
        const { body } = await app.call('GET', `/api/messages/${id}`);
        if (states.includes(body.status)) return body;
        if (Date.now() > end)
          throw new Error(
            `message ${id} is ${body.status}, not ${states.join(' or ')}: ${JSON.stringify(body, null, 1)}`,
          );
        await new Promise(resolve => setTimeout(resolve, 50));
      }
    },
    async forgetMailboxes() {
      const table = TableClient.fromConnectionString(cloud.connectionString, 'mailboxes', {
        allowInsecureConnection: true,
      });
      for await (const { partitionKey, rowKey } of table.listEntities())
        await table.deleteEntity(String(partitionKey), String(rowKey));
    },
    async restartAfresh(env) {
      // Ended first: what it still writes about its last message must not outlive the forgetting.
      await cloud.killHost('SIGTERM');
      await app.forgetMailboxes();
      await cloud.restartHost(env);
    },
    async trigger(name, input = '') {
      await fetch(`${cloud.url}/admin/functions/${name}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ input }),
      });
    },
  };
  return app;
}
