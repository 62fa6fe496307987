import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import { isMessageId } from '../shared/domain/message-id.ts';
import { problem } from '../shared/domain/problem.ts';
import { jsonAnswer, problemAnswer } from './http-answer.ts';
import type { HttpCall } from './http-handler.ts';
import { requireOperator } from './require-operator.ts';

/** `POST /api/incidents/{id}/ack`: no reminders until it closes. */
export async function acknowledgeIncident(call: HttpCall): Promise<HttpResponseInit> {
  const refusal = requireOperator(call);
  if (refusal) return refusal;
  const { request, runtime, traceId, log } = call;
  const id = incidentIdOf(request);
  const { incidents } = await runtime.watch();
  if (!isMessageId(id) || (await incidents.acknowledge(id)) === 'unknown')
    return problemAnswer(
      problem('incident_not_found', 'There is no incident of this id, open or lately closed.'),
      traceId,
    );
  log('info', { event: 'incident.acknowledged', incidentId: id, traceId });
  return jsonAnswer(200, { id, acknowledged: true });
}

/** The id in the path. Not from `request.params`: with streaming on, these may also hold query values of the same name. */
function incidentIdOf(request: HttpRequest): string {
  const segments = new URL(request.url).pathname.split('/');
  return segments[segments.lastIndexOf('incidents') + 1] ?? '';
}
