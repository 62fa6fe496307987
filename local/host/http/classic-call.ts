import type { HttpData } from '../rpc-types.ts';
import { type HttpCall, httpReason, traceOf } from './call.ts';
import { readHeaders, readQuery, toHttpTriggerMetadata, toNullable } from './request-data.ts';
import { writeEmpty, writeRpcHttp } from './write-response.ts';

/**
 * Serves a request without streaming: the whole request goes to the function as one message and its whole answer comes
 * back as one. A failed function gives 500 without a body.
 */
export async function serveClassicCall(call: HttpCall): Promise<void> {
  const { request, response, query, match, body, runner } = call;
  try {
    const result = await runner.run(match.fn.info, {
      data: { http: toHttpData(call) },
      triggerMetadata: toHttpTriggerMetadata(request, query, match.parameters, body),
      reason: httpReason,
      ...traceOf(request),
    });
    writeRpcHttp(response, result.returnValue?.http ?? undefined, request.method ?? 'GET');
  } catch {
    writeEmpty(response, 500); // already logged
  }
}

function toHttpData({ request, query, match, body }: HttpCall): HttpData {
  const headers = Object.entries(readHeaders(request)).map(([name, value]) => [name.toLowerCase(), value]);
  const joined = readQuery(query).map(({ name, values }) => [name, values.join(',')]);
  const data: HttpData = {
    method: request.method ?? 'GET',
    url: `http://${request.headers.host ?? 'localhost'}${request.url}`,
    nullableHeaders: toNullable(Object.fromEntries(headers)),
    nullableQuery: toNullable(Object.fromEntries(joined)),
    nullableParams: toNullable(match.parameters),
  };
  if (body) data.body = { bytes: body };
  return data;
}
