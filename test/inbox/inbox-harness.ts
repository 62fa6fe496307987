import type { TestContext } from 'node:test';
import type { MailList } from '../../local/inbox/list-mails.ts';
import type { mailDetails } from '../../local/inbox/mail-details.ts';
import { startInbox } from '../../local/inbox/start-inbox.ts';
import { createMailStore, type MailStore } from '../../local/m365/mail-store.ts';

export interface TestInbox {
  url: string;
  store: MailStore;
  get(path: string): Promise<Response>;
  list(query?: string): Promise<MailList>;
  details(id: string): Promise<ReturnType<typeof mailDetails>>;
}

/** An inbox over an empty store, closed when the test is over. */
export async function inboxForTest(test: TestContext): Promise<TestInbox> {
  const store = createMailStore();
  const { url, close } = await startInbox({ store, port: 0 });
  test.after(close);
  const get = (path: string): Promise<Response> => fetch(url + path);
  return {
    url,
    store,
    get,
    list: async (query = '') => (await (await get(`/api/mails${query}`)).json()) as MailList,
    details: async id => (await (await get(`/api/mails/${id}`)).json()) as ReturnType<typeof mailDetails>,
  };
}
