import type { HttpResponseInit } from '@azure/functions';
import { jsonAnswer } from './http-answer.ts';
import type { HttpCall } from './http-handler.ts';
import { requireOperator } from './require-operator.ts';

/** `POST /api/alerts/test`: one test notification to every channel → per channel, taken or why not. */
export async function testAlerts(call: HttpCall): Promise<HttpResponseInit> {
  const refusal = requireOperator(call);
  if (refusal) return refusal;
  const { runtime, log } = call;
  const { testChannels } = await runtime.watch();
  return jsonAnswer(200, { channels: await testChannels(log) });
}
