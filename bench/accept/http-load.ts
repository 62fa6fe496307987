import { Agent, request } from 'node:http';

export interface Load {
  readonly url: string;
  readonly body: Buffer;
  readonly count: number;
  /** Requests under way, each on a connection that is kept. */
  readonly atOnce: number;
}

/** Posts `count` bodies of JSON; gives answers per second. Throws when an answer is not 202. */
export async function httpLoad({ url, body, count, atOnce }: Load): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  let left = count;
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left-- > 0) await post(url, body, agent);
    }),
  );
  agent.destroy();
  return (count * 1000) / (performance.now() - begun);
}

export function post(url: string, body: Buffer, agent?: Agent, contentType = 'application/json'): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': contentType, 'content-length': body.length };
    const call = request(url, { method: 'POST', agent, headers }, answer => {
      const chunks: Buffer[] = [];
      answer.on('data', chunk => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        if (answer.statusCode === 202) resolve(text);
        else reject(new Error(`${url} answered ${answer.statusCode}: ${text.slice(0, 300)}`));
      });
    });
    call.on('error', reject);
    call.end(body);
  });
}
