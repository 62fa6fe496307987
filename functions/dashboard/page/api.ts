import type { ProbeRun } from '../../../shared/domain/probe-run.ts';
import type { StatusReport } from '../../../shared/domain/status-report.ts';
import type { Answer, Message, MessagePage, Refusal } from './api-shapes.ts';

const TIMEOUT_MS = 30_000;
/** A probe walks the whole way to Exchange. */
const PROBE_TIMEOUT_MS = 150_000;

/** Where the routes are: `/api/dashboard` is beside them. */
const BASE = location.pathname.replace(/\/dashboard\/?$/, '');

/** The API as this page uses it. The key goes into a header, never into an address. */
export function api(keyOf: () => string | undefined) {
  async function call<T>(method: string, path: string, timeoutMs = TIMEOUT_MS): Promise<Answer<T>> {
    const key = keyOf();
    try {
      const response = await fetch(`${BASE}/${path}`, {
        method,
        headers: { accept: 'application/json', ...(key === undefined ? {} : { 'x-functions-key': key }) },
        cache: 'no-store',
        // App Service authentication may answer with the address of a sign-in page.
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      });
      return await answerOf<T>(response);
    } catch (error) {
      const isLate = error instanceof DOMException && error.name === 'TimeoutError';
      return {
        ok: false,
        kind: 'offline',
        text: isLate ? 'The app did not answer in time.' : 'The app cannot be reached.',
      };
    }
  }
  const query = (values: Readonly<Record<string, string | undefined>>) =>
    new URLSearchParams(Object.entries(values).filter((pair): pair is [string, string] => Boolean(pair[1]))).toString();
  const one = (id: string) => `messages/${encodeURIComponent(id)}`;
  return {
    status: () => call<StatusReport>('GET', 'status'),
    messages: (filter: Readonly<Record<string, string | undefined>>) =>
      call<MessagePage>('GET', `messages?${query(filter)}`),
    message: (id: string) => call<Message>('GET', one(id)),
    cancel: (id: string) => call<Message>('DELETE', one(id)),
    retry: (id: string) => call<unknown>('POST', `${one(id)}/retry`),
    probe: (mailbox: string | undefined) =>
      call<{ runs: readonly ProbeRun[] }>('POST', mailbox ? `probe?${query({ mailbox })}` : 'probe', PROBE_TIMEOUT_MS),
    probes: (mailbox: string, from: string, to: string) =>
      call<{ runs: readonly ProbeRun[] }>('GET', `probes?${query({ mailbox, from, to })}`),
    acknowledge: (id: string) => call<unknown>('POST', `incidents/${encodeURIComponent(id)}/ack`),
  };
}

export type Api = ReturnType<typeof api>;

async function answerOf<T>(response: Response): Promise<Answer<T>> {
  if (response.type === 'opaqueredirect') return { ok: false, kind: 'signIn', text: 'Sign in first.' };
  const body = await response.json().catch(() => undefined);
  if (response.ok) {
    if (body === undefined && response.status !== 204 && response.status !== 202)
      return { ok: false, kind: 'unavailable', text: 'The answer could not be read.' };
    return { ok: true, data: body as T };
  }
  const seconds = Number(response.headers.get('retry-after'));
  return {
    ok: false,
    kind: kindOf(response.status),
    text: problemText(body, response.status),
    ...(seconds > 0 ? { retryAfterSeconds: seconds } : {}),
  };
}

function kindOf(status: number): Refusal['kind'] {
  if (status === 401) return 'signIn';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'absent';
  return status >= 500 || status === 429 ? 'unavailable' : 'refused';
}

function problemText(body: unknown, status: number): string {
  const { detail, title, code } = (body ?? {}) as { detail?: unknown; title?: unknown; code?: unknown };
  const text = [detail, title].find(one => typeof one === 'string' && one !== '');
  if (text === undefined) return `The app answered ${status}.`;
  return typeof code === 'string' ? `${text} (${code})` : String(text);
}
