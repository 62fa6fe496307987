import { post } from '../accept/http-load.ts';
import { until } from './until.ts';

/** Posts a mail; gives its id. */
export async function sendMail(url: string, body: Buffer, contentType: string): Promise<string> {
  const { id } = JSON.parse(await post(`${url}/api/messages`, body, undefined, contentType)) as { id: string };
  return id;
}

/** Waits until Exchange has taken the mail and the record says so. Throws when it ends otherwise. */
export async function untilSent(url: string, id: string): Promise<void> {
  await until(`the mail ${id} to be sent`, 60_000, async () => {
    const answer = await fetch(`${url}/api/messages/${id}`);
    const { status } = (await answer.json()) as { status?: string };
    if (status === 'sent') return true;
    if (status === 'queued' || status === 'sending') return undefined;
    throw new Error(`The mail ${id} ended as ${status}.`);
  });
}
