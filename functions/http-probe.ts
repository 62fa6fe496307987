import type { HttpResponseInit } from '@azure/functions';
import { summarizeRuns } from '../shared/domain/probe-statistics.ts';
import { runView } from '../shared/domain/probe-verdict.ts';
import { accepted, type Outcome, type ProblemDetail, problem, refused } from '../shared/domain/problem.ts';
import { senderOfMailbox } from '../shared/domain/sender.ts';
import type { ProbeQuery } from '../shared/domain/watch-ports.ts';
import { probeNow } from '../shared/usecases/probe-now.ts';
import { jsonAnswer, problemAnswer } from './http-answer.ts';
import type { HttpCall } from './http-handler.ts';
import { allMailboxes } from './probe-runtime.ts';
import { requireOperator } from './require-operator.ts';

/** How long a caller is kept waiting for a round that is under way; the platform ends an HTTP call at 230 s. */
const PATIENCE_MS = 60_000;
const RETRY_AFTER_SECONDS = 30;
const HOUR_MS = 3_600_000;
const DEFAULT_RANGE_MS = 24 * HOUR_MS;
const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;
const LIST_PARAMETERS = ['mailbox', 'from', 'to', 'limit', 'continuation'] as const;

/** `POST /api/probe?mailbox=`: probes now, and answers with the runs; of a round under way, with that round's. */
export async function probeMailboxes(call: HttpCall): Promise<HttpResponseInit> {
  const { request, runtime, traceId, log } = call;
  const stranger = requireOperator(call);
  if (stranger) return stranger;
  const parameters = new URL(request.url).searchParams;
  const details = unknownParameters(parameters, ['mailbox']);
  const named = parameters.get('mailbox') || undefined;
  const deps = await runtime.probe();
  const isKnown = named === undefined || senderOfMailbox(deps.senders, named) !== undefined;
  if (!isKnown) details.push({ pointer: '/mailbox', detail: 'is not a mailbox of MAIL_SENDERS or MAIL_MAILBOX' });
  if (details.length > 0) return problemAnswer(badParameters(details), traceId);
  const all = allMailboxes(deps);
  const wanted = named === undefined ? all : all.filter(one => one.toLowerCase() === named.toLowerCase());
  const answer = await probeNow(deps, wanted, PATIENCE_MS, log);
  if (answer.kind !== 'busy') return jsonAnswer(200, { runs: answer.runs.map(runView) });
  return problemAnswer(
    problem('probe_in_progress', 'Another round of probes is still under way; its runs will be in GET /api/probes.', {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    }),
    traceId,
  );
}

/** `GET /api/probes?mailbox=&from=&to=&limit=&continuation=`: runs, newest first, and what they come to. */
export async function listProbes(call: HttpCall): Promise<HttpResponseInit> {
  const stranger = requireOperator(call);
  if (stranger) return stranger;
  const query = probeQuery(new URL(call.request.url).searchParams, Date.now());
  if (!query.ok) return problemAnswer(query.problem, call.traceId);
  const { history } = await call.runtime.probe();
  // The summary is of the whole range: with the first page, and not once more with each that follows.
  const isFirst = query.value.continuation === undefined;
  const [{ runs, continuation }, figures] = await Promise.all([
    history.list(query.value),
    isFirst ? history.figures(query.value) : undefined,
  ]);
  return jsonAnswer(200, {
    runs: runs.map(runView),
    ...(figures ? { summary: summarizeRuns(figures) } : {}),
    ...(continuation === undefined ? {} : { continuation }),
  });
}

function probeQuery(parameters: URLSearchParams, nowMs: number): Outcome<ProbeQuery> {
  const details = unknownParameters(parameters, LIST_PARAMETERS);
  const [mailbox, from, to, limit, continuation] = LIST_PARAMETERS.map(name => parameters.get(name) || undefined);
  const toMs = to === undefined ? nowMs : instant(to);
  const fromMs = from === undefined ? (toMs ?? nowMs) - DEFAULT_RANGE_MS : instant(from);
  if (toMs === undefined) details.push({ pointer: '/to', detail: MUST_BE_TIME });
  if (fromMs === undefined) details.push({ pointer: '/from', detail: MUST_BE_TIME });
  else if (toMs !== undefined && fromMs > toMs) details.push({ pointer: '/from', detail: 'must not be after to' });
  if (mailbox !== undefined && mailbox.length > 254) details.push({ pointer: '/mailbox', detail: 'is too long' });
  const count = limit === undefined ? DEFAULT_LIMIT : Number(limit);
  if (!Number.isInteger(count) || count < 1 || count > MAX_LIMIT)
    details.push({ pointer: '/limit', detail: `must be a whole number from 1 to ${MAX_LIMIT}` });
  if (continuation !== undefined && !/^r-[A-Za-z0-9_-]{1,400}~\d{14}$/.test(continuation))
    details.push({ pointer: '/continuation', detail: 'is not one that an answer gave' });
  if (details.length > 0 || toMs === undefined || fromMs === undefined) return refused(badParameters(details));
  return accepted({
    fromMs,
    toMs,
    limit: count,
    ...(mailbox === undefined ? {} : { mailbox }),
    ...(continuation === undefined ? {} : { continuation }),
  });
}

const MUST_BE_TIME = 'must be a time as 2026-12-01T08:00:00Z';

/** RFC 3339 with its offset: without one it would be anybody's guess where. */
function instant(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/i.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) || ms < 0 ? undefined : ms;
}

function unknownParameters(parameters: URLSearchParams, known: readonly string[]): ProblemDetail[] {
  return [...new Set(parameters.keys())]
    .filter(name => !known.includes(name))
    .map(name => ({
      pointer: `/${name.slice(0, 64)}`,
      detail: `is not a query parameter; ${known.join(', ')} ${known.length > 1 ? 'are' : 'is'}`,
    }));
}

function badParameters(details: readonly ProblemDetail[]) {
  return problem('parameter_invalid', 'The query is not valid.', { errors: details });
}
