import { setTimeout as sleep } from 'node:timers/promises';
import { mailboxesOf } from '../support/rig.ts';
import { eachOf, type Scenario, timesOf } from './scenario.ts';

const FULL = { kills: 200, mails: 2_000, mailboxes: 30, longestMs: 2_400, replyMs: 120 };
const SHORT = { kills: 6, mails: 48, mailboxes: 4, longestMs: 600, replyMs: 120 };
const SENDERS = 16;

/**
 * One of two hosts is killed (SIGKILL) at a random moment while mail comes in and goes out, and started again at once;
 * then the other one.
 */
export const kills: Scenario = {
  rig: isShort => ({
    mailboxes: mailboxesOf('kill', (isShort ? SHORT : FULL).mailboxes),
    // A dead host keeps its connections for 30 s; 20 are the most that settings allow.
    connections: 20,
  }),
  // A claim lapses after 2 min; one that did so at the dot is sent again a minute later, and may have been killed twice.
  settleMs: 600_000,
  async run(rig, run) {
    const size = run.isShort ? SHORT : FULL;
    const own = rig.mailboxes.filter(mailbox => mailbox.startsWith('kill'));
    // Mail servers take a moment to answer; the moment of doubt would otherwise hardly ever be hit.
    rig.cloud.m365.faults.set({ at: 'smtp.dot', action: 'delay', ms: size.replyMs });
    let second = await rig.cloud.startHostProcess();
    let killed = 0;
    const pauseMs = (size.kills * size.longestMs * 0.6 * SENDERS) / size.mails;
    const posts = eachOf(timesOf(size.mails), SENDERS, async index => {
      await rig.send('host killed', 'SIGKILL', own[index % own.length]);
      // The load lasts as long as the kills do.
      for (const dueMs = Date.now() + run.lots.next() * pauseMs * 2; killed < size.kills && Date.now() < dueMs; )
        await sleep(Math.max(0, Math.min(200, dueMs - Date.now())));
    });
    const watched = posts.catch(() => undefined);
    for (; killed < size.kills; run.progress(`${++killed} of ${size.kills} kills`)) {
      await sleep(run.lots.between(0, size.longestMs));
      if (killed % 2 === 0) await rig.killHost();
      else {
        await second.kill();
        second = await rig.cloud.startHostProcess();
      }
    }
    await watched;
    await posts;
    await second.stop();
    rig.cloud.m365.faults.clear();
    return [`Kills: ${size.kills}.`];
  },
};
