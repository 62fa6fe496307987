import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { watchForwardedRequests } from '../../functions/forwarded-requests.ts';

watchForwardedRequests();
// As the library opens it: once the app has loaded, with nothing set.
const server = createServer((_request, response) => void response.end());
server.listen(0, '127.0.0.1');
await once(server, 'listening');
after(() => server.close());

async function statusOf(path: string, headerBytes: number): Promise<number | undefined> {
  const { port } = server.address() as AddressInfo;
  const call = request({ port, host: '127.0.0.1', path, headers: { 'x-long': 'a'.repeat(headerBytes) } });
  call.end();
  const [answer] = await once(call, 'response');
  answer.resume();
  return answer.statusCode;
}

test('what the host lets through reaches the library: 32 KiB of headers and 8 KiB of request line', async () => {
  assert.equal(await statusOf(`/api/explain?text=${'a'.repeat(8_000)}`, 32_000), 200);
});

test('headers without end are still refused', async () => {
  assert.equal(await statusOf('/', 70_000), 431);
});
