import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProbePhase, ProbeRun } from '../../shared/domain/probe-run.ts';
import { incidentBook } from '../../shared/usecases/watch-book.ts';
import { probeRun, sender, watchWorld } from '../support/watch-world.ts';

/**
 * What happens, step by step, and exactly what is told. Steps:
 *   G good run · N neutral run · a name of FAULTS: a run that fails so · C+ C- a run with a good or failed canary
 *   a:… b:… runs of two mailboxes in one round, joined by a comma · =… a run that overlaps with the one before
 *   s+ a mail that went through · s-… a mail that failed so · +5m +4h time passes · min the minute's timer
 *   ack acknowledged · down up the channel refuses or takes · restart a new process
 * Runs are five minutes apart, mails a second.
 */
type Sequence = readonly [name: string, steps: string, told: string, mailboxes?: 2];

const FAULTS: Readonly<Record<string, readonly [ProbePhase, string]>> = {
  auth: ['auth', 'smtp_auth_unsuccessful'],
  off: ['auth', 'smtp_auth_disabled_mailbox'],
  tcp: ['tcp', 'tcp_timeout'],
  dns: ['dns', 'dns_not_found'],
  tls: ['tls', 'tls_name_mismatch'],
  slow: ['auth', 'smtp_connection_limit'],
  busy: ['greeting', 'smtp_service_not_active'],
  spam: ['envelope', 'smtp_sender_blocked'],
  cert: ['token', 'entra_certificate_not_registered'],
  away: ['token', 'entra_unavailable'],
  calm: ['token', 'entra_throttled'],
  old: ['vault', 'vault_certificate_expired'],
  vault: ['vault', 'vault_forbidden'],
  gone: ['vault', 'vault_item_not_found'],
  msi: ['identity', 'identity_missing'],
  full: ['canary', 'smtp_mailbox_full'],
};

const SEQUENCES: readonly Sequence[] = [
  // Opening
  ['all is well', 'G G G s+ G', ''],
  ['one refused sign-in is not told', 'auth G G G', ''],
  ['two refused sign-ins open', 'auth auth', 'opened auth'],
  ['it is opened once', 'auth auth auth auth auth', 'opened auth'],
  ['a fault of configuration opens at two', 'off off', 'opened off'],
  ['a blocked mailbox opens at two', 'spam spam', 'opened spam'],
  ['a wrong server certificate opens at two', 'tls tls', 'opened tls'],
  ['two time-outs are not told', 'tcp tcp G', ''],
  ['three time-outs open', 'tcp tcp tcp', 'opened tcp'],
  ['DNS opens at three', 'dns dns dns', 'opened dns'],
  ['different passing faults add up', 'tcp busy dns', 'opened dns'],
  ['throttling does not make one refusal an alert', 'slow auth slow G', 'opened slow'],
  ['three failures in a row open as the last of them', 'slow slow auth', 'opened auth'],
  ['throttling alone opens at three, as itself', 'slow slow slow', 'opened slow'],
  ['throttling by Entra opens at three, as itself', 'calm calm calm', 'opened calm'],
  ['an expired certificate opens at once', 'old', 'opened old'],
  ['a good run in between starts the count again', 'auth G auth G auth', ''],
  ['a good run in between starts the count of passing faults again', 'tcp tcp G tcp tcp', ''],
  // Neutral and overlapping runs
  ['neutral runs do not count', 'auth N auth', 'opened auth'],
  ['neutral runs do not close', 'auth auth N N N', 'opened auth'],
  ['neutral runs do not interrupt what closes', 'auth auth G N G', 'opened auth closed auth'],
  ['runs that overlap are one', 'auth =auth', ''],
  ['runs that overlap are one, also when they are good', 'auth auth G =G', 'opened auth'],
  ['after an overlap the count goes on', 'auth =auth auth', 'opened auth'],
  // Closing
  ['one good run does not close', 'auth auth G auth G', 'opened auth'],
  ['two good runs close', 'auth auth G G', 'opened auth closed auth'],
  ['it is closed once', 'auth auth G G G G G', 'opened auth closed auth'],
  [
    'a second outage is a second incident',
    'auth auth G G +4h auth auth G G',
    'opened auth closed auth opened auth closed auth',
  ],
  ['a single failure after the end is not told', 'auth auth G G auth G', 'opened auth closed auth'],
  // Change of cause
  ['another cause updates the same incident', 'tcp tcp tcp auth auth G G', 'opened tcp updated auth closed auth'],
  ['another cause seen once is not told', 'auth auth tcp auth', 'opened auth'],
  [
    'from the token to the mailbox is a change of cause',
    'cert cert auth auth G G',
    'opened cert updated auth closed auth',
  ],
  [
    'causes that take turns are each told once',
    'auth auth tcp tcp auth auth tcp tcp G G',
    'opened auth updated tcp closed tcp',
  ],
  ['an expired certificate is told at once as a change, too', 'tcp tcp tcp old', 'opened tcp updated old'],
  // Reminders and acknowledgement
  ['a reminder after four hours', 'auth auth +4h min', 'opened auth reminder auth'],
  ['no reminder before four hours', 'auth auth +3h min min', 'opened auth'],
  ['one reminder for each four hours', 'auth auth +4h min min +4h min min', 'opened auth reminder auth reminder auth'],
  ['a round of probes reminds, too', 'auth auth +4h auth', 'opened auth reminder auth'],
  ['who has acknowledged is not reminded', 'auth auth ack +4h min +4h auth', 'opened auth'],
  ['an acknowledged incident closes all the same', 'auth auth ack +4h min G G', 'opened auth closed auth'],
  [
    'the next incident is not acknowledged',
    'auth auth ack G G auth auth +4h min',
    'opened auth closed auth opened auth reminder auth',
  ],
  ['a new cause is told although acknowledged', 'auth auth ack tcp tcp', 'opened auth updated tcp'],
  // Flapping
  [
    'flapping is said once',
    'auth auth G G auth auth G G auth auth G G auth auth G G',
    'opened auth closed auth opened auth closed auth opened~ auth',
  ],
  [
    'flapping closes after six good runs',
    'auth auth G G auth auth G G auth auth G G G G G G',
    'opened auth closed auth opened auth closed auth opened~ auth closed auth',
  ],
  ['every second run failing for an hour is flapping', 'auth G auth G auth G auth G auth G auth', 'opened~ auth'],
  // Traffic
  ['two refused sign-ins in traffic open at once', 's-auth s-auth', 'opened auth'],
  ['one in traffic does not', 's-auth', ''],
  ['a mail that goes through in between starts the count again', 's-auth s+ s-auth', ''],
  ['two failures more than an hour apart are two', 's-auth +2h s-auth', ''],
  ['two good mails close what traffic opened', 's-auth s-auth s+ s+', 'opened auth closed auth'],
  ['two good runs close what traffic opened', 's-auth s-auth G G', 'opened auth closed auth'],
  ['a mail and a run together close it', 's-auth s-auth s+ G', 'opened auth closed auth'],
  ['a failed mail between two good ones keeps it open', 's-auth s-auth s+ s-auth s+', 'opened auth'],
  ['a good mail counts as good between two failed runs', 'auth s+ auth', ''],
  ['good mails close what the probe found at the mailbox', 'auth auth s+ s+', 'opened auth closed auth'],
  ['good mails prove nothing about the token: it is cached', 'cert s+ cert s+ s+ s+', 'opened cert'],
  ['what traffic said of the token, mails take back', 's-cert s-cert s+ s+', 'opened cert closed cert'],
  ['throttling in traffic is nothing', 's-slow s-slow s-slow s-slow', ''],
  ['traffic and probe are one incident', 's-auth s-auth auth auth auth', 'opened auth'],
  ['traffic shows another cause', 'tcp tcp tcp s-auth s-auth', 'opened tcp updated auth'],
  // Canary
  ['a failed canary is a cause of its own', 'full full', ''],
  ['three failed canaries open, one good closes', 'full full full C+', 'opened full closed full'],
  ['good runs and mails do not close it', 'full full full G G s+ s+', 'opened full'],
  ['a run whose canary fails is good for the mailbox', 'auth auth full full', 'opened auth closed auth'],
  // Delivery of notices, restarts
  ['what was refused is told again at the next run', 'down auth auth up auth', 'opened auth'],
  ['what was refused is told again at the next minute', 'down auth auth up min', 'opened auth'],
  ['an end that was refused is told again', 'auth auth down G G up min', 'opened auth closed auth'],
  ['of what ended unheard only the end is told', 'down auth auth G G up min', 'closed auth'],
  ['an unheard incident gathers no reminders', 'down auth auth +4h min +4h min +4h min up +30m min', 'opened auth'],
  ['a restart forgets no failure', 'auth restart auth', 'opened auth'],
  ['a restart tells nothing twice', 'auth auth restart auth restart auth', 'opened auth'],
  ['a restart forgets no good run', 'auth auth G restart G', 'opened auth closed auth'],
  ['a restart forgets no notice', 'down auth auth restart up min', 'opened auth'],
  // Several mailboxes
  ['each mailbox has its own incident', 'a:auth,b:auth a:auth,b:auth', 'opened auth(a) opened auth(b)', 2],
  ['the vault is one incident for all', 'a:vault,b:vault a:vault,b:vault', 'opened vault(ab)', 2],
  [
    'the identity is one incident for all',
    'a:msi,b:msi a:msi,b:msi a:G,b:G a:G,b:G',
    'opened msi(ab) closed msi(ab)',
    2,
  ],
  ['the app is one incident for all', 'a:cert,b:cert a:cert,b:cert', 'opened cert(ab)', 2],
  ['Entra away is one incident for all', 'a:away,b:away a:away,b:away a:away,b:away', 'opened away(ab)', 2],
  ['many mailboxes in a round count once', 'a:cert,b:cert', '', 2],
  ['who gets past the fault is not among those hit', 'a:gone,b:G a:gone,b:G', 'opened gone(a)', 2],
  ['one mailbox alone does not close what is another one’s', 'a:auth,b:G a:auth,b:G b:G b:G b:G', 'opened auth(a)', 2],
  ['traffic of two mailboxes adds up for the app', 'b:s-cert a:s-cert', 'opened cert(ab)', 2],
  ['traffic of two mailboxes does not add up for a mailbox', 'b:s-auth a:s-auth', '', 2],
  [
    'the app closes though a mailbox fails by itself',
    'a:cert,b:cert a:cert,b:cert a:auth,b:G a:auth,b:G',
    'opened cert(ab) closed cert(ab) opened auth(a)',
    2,
  ],
];

async function play(steps: string, count: 1 | 2): Promise<string[]> {
  const { clock, channels, log, start, store, lines } = watchWorld({
    senders: [sender(count === 2 ? ['a@contoso.com', 'b@contoso.com'] : ['a@contoso.com'])],
  });
  const [channel] = channels;
  assert.ok(channel);
  let watching = start();
  const runOf = (text: string, atMs: number): ProbeRun => {
    const [, letter = 'a', what = ''] = /^(?:([ab]):)?(.+)$/.exec(text) ?? [];
    const mailbox = { mailbox: `${letter}@contoso.com` };
    if (what === 'G') return probeRun(atMs, 'good', mailbox);
    if (what === 'N') return probeRun(atMs, 'neutral', mailbox);
    if (what === 'C+') {
      const good = probeRun(atMs, 'good', mailbox);
      return { ...good, phases: [...good.phases, { phase: 'canary', ok: true, ms: 5, detail: '' }] };
    }
    const [phase, code] = FAULTS[what] ?? assert.fail(what);
    return probeRun(atMs, { phase, code }, mailbox);
  };
  for (const step of steps.split(' ')) {
    const wait = /^\+(\d+)([hm])$/.exec(step);
    const mail = /^(?:([ab]):)?s([+-])(.*)$/.exec(step);
    if (wait) clock.ms += Number(wait[1]) * (wait[2] === 'h' ? 3_600_000 : 60_000);
    else if (mail) {
      clock.ms += 1_000;
      const mailbox = `${mail[1] ?? 'a'}@contoso.com`;
      const code = FAULTS[mail[3] ?? '']?.[1] ?? '';
      await watching.noteTraffic(mail[2] === '+' ? { mailbox, ok: true } : { mailbox, ok: false, code }, log);
    } else if (step === 'min') {
      clock.ms += 60_000;
      await watching.watchMinute(log);
    } else if (step === 'ack') {
      const [open] = await incidentBook({ store, clock }).list();
      assert.equal(await incidentBook({ store, clock }).acknowledge(open?.id ?? ''), 'done');
    } else if (step === 'down' || step === 'up') channel.isDown = step === 'down';
    else if (step === 'restart') watching = start();
    else {
      const isOverlap = step.startsWith('=');
      const startMs = isOverlap ? clock.ms - 1_000 : clock.ms + 300_000;
      if (!isOverlap) clock.ms = startMs + 2_000;
      await watching.noteProbeRuns(
        step
          .replace('=', '')
          .split(',')
          .map(text => runOf(text, startMs)),
        log,
      );
    }
  }
  assert.deepEqual(
    lines.filter(({ event }) => event === 'watch.failed'),
    [],
  );
  const ids = channel.taken.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length, 'no notice comes twice');
  return channel.taken.map(alert => {
    const name = Object.entries(FAULTS).find(([, [, code]]) => code === alert.code)?.[0] ?? alert.code;
    const who = count === 2 ? `(${alert.mailboxes.map(mailbox => mailbox[0]).join('')})` : '';
    return `${alert.type.replace('incident.', '')}${alert.isFlapping ? '~' : ''} ${name}${who}`;
  });
}

test('runs that follow each other without a pause are two, though their times are rounded', async () => {
  const { clock, channels, log, start } = watchWorld();
  const watching = start();
  const failed = { phase: 'auth', code: 'smtp_auth_unsuccessful' } as const;
  clock.ms += 60_000;
  await watching.noteProbeRuns([probeRun(clock.ms - 40, failed, { ms: 21 })], log);
  await watching.noteProbeRuns([probeRun(clock.ms - 20, failed, { ms: 20 })], log);
  assert.equal(channels[0]?.taken.length, 1);
});

for (const [name, steps, told, mailboxes = 1] of SEQUENCES) {
  test(`${name}: ${steps}`, async () => {
    assert.equal((await play(steps, mailboxes)).join(' '), told);
  });
}
