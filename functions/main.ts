import {
  app,
  type HttpHandler,
  type HttpMethod,
  type HttpResponseInit,
  type InvocationContext,
  type StorageQueueHandler,
  type TimerHandler,
} from '@azure/functions';
import { probeSchedules } from '../shared/domain/probe-schedule.ts';
import { callerAuthOf } from './caller.ts';
import { claimRequest, watchForwardedRequests } from './forwarded-requests.ts';
import type { HttpCall } from './http-handler.ts';
import type { RuntimeSource } from './runtime.ts';

/**
 * Composition root: every function of the app, and what loads it. Handlers load with their first call, so that the
 * start of the app costs little; nothing here can throw, since an app that throws at load has no functions at all.
 */
app.setup({ enableHttpStream: true });
watchForwardedRequests();

const auth = callerAuthOf(process.env);
const storage = 'AzureWebJobsStorage';

let source: Promise<RuntimeSource> | undefined;
function runtimeOf(): Promise<RuntimeSource> {
  source ??= import('./runtime.ts').then(({ runtimeSource }) => runtimeSource(() => process.env));
  return source;
}

type Answer = (call: HttpCall) => ReturnType<HttpHandler>;

function http(name: string, methods: HttpMethod[], route: string, load: () => Promise<Answer>): void {
  let handler: Promise<HttpHandler> | undefined;
  app.http(name, {
    methods,
    route,
    authLevel: auth === 'entra' ? 'anonymous' : 'function',
    handler: async (request, context) => {
      try {
        handler ??= Promise.all([import('./http-handler.ts'), runtimeOf(), load()]).then(
          ([{ httpHandler }, runtime, answer]) =>
            httpHandler(runtime, auth, async call => (await answer(call)) ?? { status: 204 }),
        );
        return await (await handler)(request, context);
      } catch (error) {
        handler = undefined;
        return lastResort(error, context);
      }
    },
  });
}

function publicHttp(name: string, route: string, load: () => Promise<HttpHandler>): void {
  app.http(name, {
    methods: ['GET'],
    route,
    authLevel: 'anonymous',
    handler: async (request, context) => {
      claimRequest(context.invocationId, request.headers);
      try {
        return await (await load())(request, context);
      } catch (error) {
        return lastResort(error, context);
      }
    },
  });
}

/** The answer where even loading a handler failed. With streaming on, a throw would leave the client hanging. */
function lastResort(error: unknown, context: InvocationContext): HttpResponseInit {
  const name = error instanceof Error ? error.name : 'unknown';
  context.error(JSON.stringify({ event: 'request.failed', code: 'internal_error', detail: `loading failed: ${name}` }));
  const body = {
    status: 500,
    code: 'internal_error',
    title: 'The app could not load a part of itself',
    retryable: true,
  };
  return { status: 500, headers: { 'content-type': 'application/problem+json' }, body: JSON.stringify(body) };
}

function queue(
  name: string,
  queueName: string,
  load: () => Promise<(runtime: RuntimeSource) => StorageQueueHandler>,
): void {
  app.storageQueue(name, {
    queueName,
    connection: storage,
    handler: async (entry, context) => (await load())(await runtimeOf())(entry, context),
  });
}

function timer(name: string, schedule: string, load: () => Promise<(runtime: RuntimeSource) => TimerHandler>): void {
  app.timer(name, { schedule, handler: async (tick, context) => (await load())(await runtimeOf())(tick, context) });
}

http('sendMail', ['POST'], 'messages', async () => (await import('./http-send.ts')).sendMail);
http('sendBatch', ['POST'], 'messages/batch', async () => (await import('./http-batch.ts')).sendBatch);
http('listMessages', ['GET'], 'messages', async () => (await import('./http-messages.ts')).listMessages);
http('getMessage', ['GET'], 'messages/{id}', async () => (await import('./http-messages.ts')).getMessage);
http('cancelMessage', ['DELETE'], 'messages/{id}', async () => (await import('./http-messages.ts')).deleteMessage);
http('retryMessage', ['POST'], 'messages/{id}/retry', async () => (await import('./http-messages.ts')).retry);
http('probeNow', ['POST'], 'probe', async () => (await import('./http-probe.ts')).probeMailboxes);
http('listProbes', ['GET'], 'probes', async () => (await import('./http-probe.ts')).listProbes);
http('explain', ['GET'], 'explain', async () => (await import('./http-explain.ts')).explainText);
http('status', ['GET'], 'status', async () => (await import('./http-status.ts')).status);
http(
  'acknowledgeIncident',
  ['POST'],
  'incidents/{id}/ack',
  async () => (await import('./http-incidents.ts')).acknowledgeIncident,
);
http('testAlerts', ['POST'], 'alerts/test', async () => (await import('./http-alert-test.ts')).testAlerts);
publicHttp('health', 'health', async () => (await import('./http-health.ts')).health(await runtimeOf()));
publicHttp('openapi', 'openapi.json', async () => (await import('./http-docs.ts')).openApi());
publicHttp('docs', 'docs', async () => (await import('./http-docs.ts')).docsPage());
publicHttp('dashboard', 'dashboard', async () => (await import('./http-dashboard.ts')).dashboard());

queue('acceptQueued', 'mail-requests', async () => (await import('./queue-requests.ts')).queueRequests);
queue('deliver', 'mail-submissions', async () => (await import('./queue-submissions.ts')).queueSubmissions);
queue('deliverHigh', 'mail-submissions-high', async () => (await import('./queue-submissions.ts')).queueSubmissions);
queue('deliverEvent', 'mail-events', async () => (await import('./queue-events.ts')).queueEvents);

app.hook.appTerminate(async () => {
  // What fails here must not hold up the stop: leases run out by themselves.
  await source?.then(({ close }) => close()).catch(() => undefined);
});

timer('sweep', '0 * * * * *', async () => (await import('./timer-sweep.ts')).timerSweep);
timer('rotateCertificates', '0 17 * * * *', async () => (await import('./timer-rotation.ts')).timerRotation);

const schedules = probeSchedules(process.env);
timer('probe', schedules.probe, async () => (await import('./timer-probe.ts')).timerProbe);
timer('canary', schedules.canary, async () => (await import('./timer-probe.ts')).timerCanary);
