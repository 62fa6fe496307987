import type { HttpResponseInit } from '@azure/functions';
import { explain } from '../shared/domain/diagnosis/explain.ts';
import { invalid } from '../shared/domain/parse-mail-request.ts';
import { jsonAnswer, problemAnswer } from './http-answer.ts';
import type { HttpCall } from './http-handler.ts';

/** `GET /api/explain?text=`: a pasted error → what it means and what to do, best match first. */
export async function explainText({ request, traceId }: HttpCall): Promise<HttpResponseInit> {
  const text = new URL(request.url).searchParams.get('text') ?? '';
  if (text.trim() === '')
    return problemAnswer(
      invalid([{ pointer: '/text', detail: 'is missing: give the error as the query parameter text' }]).problem,
      traceId,
    );
  return jsonAnswer(200, { matches: explain(text) });
}
