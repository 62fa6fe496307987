import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import { BlobServiceClient } from '@azure/storage-blob';
import { newMailbox } from '../../local/m365/default-world.ts';
import type { Fault } from '../../local/m365/faults.ts';
import { rotateCertificate } from '../../local/m365/rotate-certificate.ts';
import type { World } from '../../local/m365/world.ts';
import { type PhaseResult, PROBE_PHASES, type ProbeRun } from '../../shared/domain/probe-run.ts';
import { type App, startApp } from '../support/app.ts';
import { mailRequest } from '../support/requests.ts';

const CERTIFICATE = { kind: 'certificate', name: 'exosend-smtp' };
const KINDS: Readonly<Record<string, object>> = {
  'billing@contoso.com': CERTIFICATE,
  'signed@contoso.com': { kind: 'certificate', name: 'exosend-smtp-vault', sign: 'vault' },
  'secret@contoso.com': { kind: 'secret', name: 'exosend-smtp-secret' },
  'federated@contoso.com': { kind: 'managedIdentity' },
};
const MAILBOX = 'billing@contoso.com';
const WALKED = PROBE_PHASES.filter(phase => phase !== 'canary');

let app: App;
let pristine: Pick<World, 'apps' | 'identities' | 'exchange' | 'mailboxes' | 'vault'>;
before(async () => {
  app = await startApp({
    env: { PROBE_SCHEDULE: '0 0 0 1 1 *', PROBE_CANARY_SCHEDULE: '0 0 0 1 1 *' },
    m365: {
      world: world => ({
        ...world,
        mailboxes: Object.keys(KINDS).map(address => newMailbox(address, [world.clientId])),
        exchange: { ...world.exchange, limits: { ...world.exchange.limits, rateAction: 'off' } },
      }),
    },
  });
  const { apps, identities, exchange, mailboxes, vault } = app.m365.world;
  pristine = structuredClone({ apps, identities, exchange, mailboxes, vault });
  await app.restartHost({ MAIL_SENDERS: senders(Object.entries(KINDS)) });
});
after(() => app.close());
afterEach(() => {
  app.m365.faults.clear();
  Object.assign(app.m365.world, structuredClone(pristine));
});

function senders(kinds: readonly (readonly [string, object])[], more: object = {}): string {
  const { MAIL_TENANT_ID: tenantId, MAIL_CLIENT_ID: clientId } = app.m365.settings;
  const limits = { messagesPerMinute: 60_000 };
  return JSON.stringify(
    kinds.map(([mailbox, credential]) => ({ mailbox, tenantId, clientId, credential, limits, ...more })),
  );
}

async function probeAll(): Promise<readonly ProbeRun[]> {
  const { status, body } = await app.call('POST', '/api/probe');
  assert.equal(status, 200, JSON.stringify(body));
  assert.doesNotMatch(JSON.stringify(body), /eyJ|dXNlcj|BEGIN/, 'no token, no sign-in, no key');
  return body.runs;
}

async function probe(mailbox = MAILBOX): Promise<ProbeRun> {
  const { status, body } = await app.call('POST', `/api/probe?mailbox=${mailbox}`);
  assert.equal(status, 200, JSON.stringify(body));
  assert.doesNotMatch(JSON.stringify(body), /eyJ|dXNlcj|BEGIN/, 'no token, no sign-in, no key');
  assert.equal(body.runs.length, 1);
  return body.runs[0];
}

function phaseOf(run: ProbeRun, name: string): PhaseResult {
  const found = run.phases.find(({ phase }) => phase === name);
  assert.ok(found, `${name} is not in ${JSON.stringify(run)}`);
  return found;
}

const own = () => {
  const mailbox = app.m365.world.mailboxes.find(({ address }) => address === MAILBOX);
  assert.ok(mailbox);
  return mailbox;
};

test('all is well: every phase in order, for all four kinds of credential, and nothing is sent', async () => {
  const runs = await probeAll();
  assert.deepEqual(
    runs.map(({ mailbox }) => mailbox),
    Object.keys(KINDS),
  );
  for (const run of runs) {
    const wanted = run.mailbox === 'federated@contoso.com' ? WALKED.filter(phase => phase !== 'vault') : WALKED;
    assert.deepEqual(
      run.phases.map(({ phase }) => phase),
      wanted,
    );
    assert.equal(run.ok, true, JSON.stringify(run));
    assert.equal(run.code, undefined);
    for (const { ok, detail, ms } of run.phases) assert.ok(ok === true && detail !== '' && ms >= 0);
  }
  const [run] = runs;
  assert.ok(run);
  assert.match(phaseOf(run, 'vault').detail, /version [0-9a-f]{32}, 36\d days left; 1 version/);
  assert.match(
    phaseOf(run, 'token').detail,
    /HTTP 200; aud https:\/\/outlook\.office365\.com; appid \S+; roles none .*; 35\d\d s left/,
  );
  assert.match(phaseOf(run, 'tls').detail, /TLSv1\.[23] .* days left, chain of 2/);
  assert.match(phaseOf(run, 'ehlo2').detail, /AUTH LOGIN XOAUTH2/);
  assert.equal(app.m365.mails.list().length, 0);
});

test('each round asks identity, vault and Entra anew, once for all who share them', async () => {
  const before = { ...app.m365.counters };
  for (let round = 1; round <= 2; round++) {
    await probeAll();
    const now = app.m365.counters;
    // One for the vault and one for the federated credential; four credentials, so four tokens.
    assert.equal(now.identityRequests - before.identityRequests, 2 * round);
    assert.equal(now.tokenRequests - before.tokenRequests, 4 * round);
  }
});

describe('each fault shows in its phase, with the code that delivery gives it', () => {
  const FAULTS: readonly (readonly [string, string, string, Fault | (() => void), RegExp?])[] = [
    [
      'the identity endpoint fails',
      'identity',
      'identity_unavailable',
      { at: 'identity', action: 'http', status: 500 },
      /HTTP 500.*\(twice\)/,
    ],
    ['the identity is gone', 'identity', 'identity_client_id_unknown', () => void app.m365.world.identities.splice(0)],
    [
      'the identity may read no secret',
      'vault',
      'vault_forbidden',
      () => {
        for (const identity of app.m365.world.identities) identity.vaultOperations = [];
      },
    ],
    [
      'the certificate is disabled',
      'vault',
      'vault_version_disabled',
      () => {
        for (const version of app.m365.world.vault.certificates['exosend-smtp']?.versions ?? [])
          version.enabled = false;
      },
    ],
    [
      'Entra does not know the certificate',
      'token',
      'entra_certificate_not_registered',
      () => {
        for (const one of app.m365.world.apps) one.certificates = [];
      },
      /HTTP 401.*AADSTS700027/,
    ],
    ['Entra fails', 'token', 'entra_unavailable', { at: 'token', action: 'http', status: 503 }],
    [
      'the greeting says 421',
      'greeting',
      'smtp_service_not_active',
      { at: 'smtp.greeting', action: 'reply', text: '421 4.3.2 Service not active' },
    ],
    [
      'dropped at the greeting',
      'greeting',
      'smtp_connection_lost',
      { at: 'smtp.greeting', action: 'drop' },
      /\(twice\)/,
    ],
    [
      'something that is not SMTP',
      'greeting',
      'smtp_protocol_error',
      { at: 'smtp.greeting', action: 'reply', text: 'HTTP/1.1 400 Bad Request' },
    ],
    [
      'EHLO refused',
      'ehlo',
      'smtp_proxy_error',
      { at: 'smtp.ehlo', action: 'reply', text: '451 4.7.0 Temporary server error. Please try again later. PRX4' },
    ],
    [
      'STARTTLS not offered',
      'ehlo',
      'tls_starttls_not_offered',
      { at: 'smtp.ehlo', action: 'reply', text: '250 AM0PR04 Hello' },
    ],
    [
      'STARTTLS refused',
      'tls',
      'tls_starttls_refused',
      { at: 'smtp.starttls', action: 'reply', text: '454 4.7.0 TLS not available' },
    ],
    [
      'bytes smuggled in before TLS',
      'tls',
      'smtp_protocol_error',
      { at: 'smtp.starttls', action: 'reply', text: '220 go ahead\r\n250 injected' },
      /more than its 220/,
    ],
    ['dropped in the handshake', 'tls', 'tls_failed', { at: 'smtp.tls', action: 'drop' }],
    [
      'an expired server certificate',
      'tls',
      'tls_certificate_expired',
      { at: 'smtp.tls', action: 'certificate', kind: 'expired' },
    ],
    [
      'a server certificate for another name',
      'tls',
      'tls_name_mismatch',
      { at: 'smtp.tls', action: 'certificate', kind: 'wrongHost' },
    ],
    [
      'a proxy’s certificate',
      'tls',
      'tls_certificate_untrusted',
      { at: 'smtp.tls', action: 'certificate', kind: 'untrusted' },
      /the certificate shown is \S+ by /,
    ],
    [
      'XOAUTH2 not offered',
      'ehlo2',
      'smtp_xoauth2_not_offered',
      { at: 'smtp.ehlo2', action: 'reply', text: '250 AM0PR04 Hello' },
    ],
    [
      'SMTP AUTH off',
      'auth',
      'smtp_auth_disabled_mailbox',
      () => void Object.assign(own(), { smtpAuthDisabled: true }),
    ],
    ['dropped at AUTH', 'auth', 'smtp_connection_lost', { at: 'smtp.auth', action: 'drop' }],
    [
      'the mailbox is shut off',
      'envelope',
      'smtp_shut_off_send_as',
      () =>
        void Object.assign(own(), { blocked: '550 5.2.252 Sender throttled due to continuous send as denied errors' }),
    ],
    [
      'RCPT refused',
      'envelope',
      'smtp_recipient_unknown',
      {
        at: 'smtp.rcpt',
        action: 'reply',
        text: '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup',
      },
    ],
  ];
  for (const [name, phase, code, fault, detail] of FAULTS) {
    test(name, async () => {
      if (typeof fault === 'function') fault();
      else app.m365.faults.set(fault);
      const run = await probe();
      assert.equal(run.ok, false, JSON.stringify(run));
      assert.deepEqual(
        run.phases.map(one => one.phase),
        WALKED,
      );
      const failed = phaseOf(run, phase);
      assert.deepEqual([failed.ok, failed.code, run.code], [false, code, code], JSON.stringify(run));
      if (detail) assert.match(failed.detail, detail);
      const at = (WALKED as readonly string[]).indexOf(phase);
      for (const [index, one] of run.phases.entries()) {
        if (index < at) assert.equal(one.ok, true, one.phase);
        if (index > at) assert.deepEqual([one.ok, one.detail.includes(`${phase} failed`)], [null, true], one.phase);
      }
    });
  }

  test('a refused sign-in is not tried again, whatever its form, and its causes are listed', async () => {
    own().appRbac = [];
    for (const form of ['direct', 'bareChallenge', 'jsonChallenge'] as const) {
      app.m365.world.exchange.failureForm = form;
      const failures = () => Object.values(app.m365.counters.signInFailures).reduce((sum, count) => sum + count, 0);
      const before = failures();
      const run = await probe();
      const auth = phaseOf(run, 'auth');
      assert.equal(auth.code, 'smtp_auth_unsuccessful');
      assert.match(
        auth.detail,
        /^535 5\.7\.3 .*Likely causes, the likeliest first: 1\. no App RBAC assignment .*\(check: Test-ServicePrincipalAuthorization .* 2\. /,
      );
      assert.equal(failures(), before + 1);
    }
  });

  test('a hiccup is no failure: the second try of the same run goes well, and is told', async () => {
    app.m365.faults.set({ at: 'smtp.ehlo', action: 'drop', times: 1 });
    const run = await probe();
    assert.equal(run.ok, true, JSON.stringify(run));
    assert.match(phaseOf(run, 'ehlo').detail, /at the second try, the first: .*closed the connection/);
  });

  test('a fault that a cache hides from delivery is found', async () => {
    const sent = await app.send(mailRequest());
    await app.until(sent.body.id, ['sent']);
    for (const one of app.m365.world.apps) one.certificates = [];
    assert.equal((await probe()).code, 'entra_certificate_not_registered');
    const after = await app.send(mailRequest());
    assert.equal((await app.until(after.body.id, ['sent', 'deferred'])).status, 'sent');
  });

  test('a renewed certificate that Entra does not know: the run is good by the version before, and warns', async () => {
    await rotateCertificate(app.m365.world, 'exosend-smtp', { bits: 2048, register: false });
    const run = await probe();
    assert.equal(run.ok, true, JSON.stringify(run));
    assert.equal(phaseOf(run, 'token').code, 'entra_certificate_not_registered');
    assert.match(phaseOf(run, 'token').detail, /Entra refuses version/);
    assert.match(phaseOf(run, 'vault').detail, /; 2 versions$/);
  });

  test('what the server offers is compared with the run before', async () => {
    await probe();
    app.m365.faults.set({
      at: 'smtp.ehlo2',
      action: 'reply',
      text: '250-AM0PR04 Hello\r\n250-AUTH LOGIN XOAUTH2\r\n250 XSHINY',
      times: 1,
    });
    assert.match(
      phaseOf(await probe(), 'ehlo2').detail,
      /new since the last run: XSHINY; gone since the last run: SIZE/,
    );
    assert.match(phaseOf(await probe(), 'ehlo2').detail, /gone since the last run: XSHINY/);
    assert.doesNotMatch(phaseOf(await probe(), 'ehlo2').detail, /since the last run/);
  });
});

test('rounds that overlap count as one, also on two instances', async () => {
  const other = await app.startHostProcess({ env: { MAIL_SENDERS: senders(Object.entries(KINDS)) } });
  app.m365.faults.set({ at: 'smtp.greeting', action: 'delay', ms: 1_500 });
  const before = app.m365.counters.signIns;
  const answers = await Promise.all([
    app.call('POST', '/api/probe'),
    app.call('POST', `/api/probe?mailbox=${MAILBOX}`),
    fetch(`${other.url}/api/probe`, { method: 'POST' }).then(async response => ({
      status: response.status,
      body: (await response.json()) as { runs: ProbeRun[] },
    })),
    app.trigger('probe'),
  ]);
  const runs = answers.flatMap(answer => (answer ? answer.body.runs : [])).filter(run => run.mailbox === MAILBOX);
  assert.equal(runs.length, 3);
  for (const run of runs) assert.equal(run.ok, true, JSON.stringify(run));
  assert.equal(new Set(runs.map(run => run.at)).size, 1, JSON.stringify(runs.map(run => run.at)));
  assert.equal(app.m365.counters.signIns - before, Object.keys(KINDS).length);
  await other.stop();
});

test('all connections busy: neutral while mail goes through, otherwise one is waited for', {
  timeout: 60_000,
}, async () => {
  await probe();
  const sent = await app.send(mailRequest());
  await app.until(sent.body.id, ['sent']);
  const held = await holdConnections();
  const neutral = await probe();
  assert.equal(neutral.ok, null, JSON.stringify(neutral));
  assert.match(phaseOf(neutral, 'tcp').detail, /busy with mail that goes through/);
  for (const { phase, ok } of neutral.phases)
    assert.equal(ok, WALKED.indexOf(phase as never) < WALKED.indexOf('tcp') ? true : null);
  const { body } = await app.call('GET', `/api/probes?mailbox=${MAILBOX}&limit=1`);
  assert.equal(body.runs[0].ok, null);
  // Nothing was sent since that run, so the next one waits until a connection comes free.
  const waiting = probe();
  await app.hostLines.waitFor(({ event }) => event === 'probe.waiting');
  await held.pop()?.releaseLease();
  assert.equal((await waiting).ok, true);
  await Promise.all(held.map(lease => lease.releaseLease()));
});

/** Leases of the mailbox's three connections, but for those that the app holds. */
async function holdConnections() {
  const container = BlobServiceClient.fromConnectionString(app.connectionString).getContainerClient('mail-slots');
  const folder = createHash('sha256').update(MAILBOX).digest('hex').slice(0, 32);
  const leases = [];
  for (const place of [0, 1, 2]) {
    const blob = container.getBlockBlobClient(`${folder}/${place}`);
    await blob.upload('', 0, { conditions: { ifNoneMatch: '*' } }).catch(() => undefined);
    const lease = blob.getBlobLeaseClient();
    const taken = await lease.acquireLease(60).catch(() => undefined);
    if (taken) leases.push(lease);
  }
  assert.ok(leases.length > 0);
  return leases;
}

test('history: newest first, page by page, by mailbox and time, with uptime and times', async () => {
  const from = new Date().toISOString();
  await probeAll();
  app.m365.faults.set({ at: 'smtp.ehlo', action: 'reply', text: '421 4.3.2 Service not active' });
  await probe();
  const to = new Date().toISOString();
  app.m365.faults.clear();
  await probe();
  const range = `from=${from}&to=${to}`;
  const { body } = await app.call('GET', `/api/probes?${range}`);
  assert.equal(body.runs.length, 5);
  const times = body.runs.map((run: ProbeRun) => run.at);
  assert.deepEqual(times, times.toSorted().reverse());
  assert.deepEqual(Object.keys(body.runs[0]), ['mailbox', 'at', 'ok', 'ms', 'code', 'phases', 'transcript']);
  const summary = body.summary.find((one: { mailbox: string }) => one.mailbox === MAILBOX);
  assert.deepEqual([summary.runs, summary.uptime, summary.neutral], [2, 0.5, 0]);
  const auth = summary.phases.find((one: { phase: string }) => one.phase === 'auth');
  assert.equal(auth.count, 1);
  assert.equal(auth.p50, auth.p95);
  const seen: ProbeRun[] = [];
  let query = `?${range}&limit=2`;
  for (let page = 0; page < 3; page++) {
    const { body: part } = await app.call('GET', `/api/probes${query}`);
    assert.equal('summary' in part, page === 0);
    seen.push(...part.runs);
    assert.equal(part.continuation !== undefined, page < 2);
    query = `?${range}&limit=2&continuation=${part.continuation}`;
  }
  assert.deepEqual(seen, body.runs);
  const { body: one } = await app.call('GET', `/api/probes?${range}&mailbox=Billing@Contoso.com&limit=1`);
  const { body: two } = await app.call(
    'GET',
    `/api/probes?${range}&mailbox=${MAILBOX}&limit=1&continuation=${one.continuation}`,
  );
  assert.deepEqual([one.runs[0].ok, two.runs[0].ok, two.continuation], [false, true, undefined]);
});

test('bad parameters are refused, each by name', async () => {
  for (const [route, pointers] of [
    ['/api/probes?from=yesterday&to=2026-13-01T00:00:00Z&limit=0', ['/to', '/from', '/limit']],
    ['/api/probes?from=2026-11-21T10:00:00Z&to=2026-11-21T09:00:00Z', ['/from']],
    ['/api/probes?colour=red&continuation=x', ['/colour', '/continuation']],
  ] as const) {
    const { status, body } = await app.call('GET', route);
    assert.deepEqual([status, body.code], [400, 'parameter_invalid']);
    assert.deepEqual(
      body.errors.map(({ pointer }: { pointer: string }) => pointer),
      pointers,
    );
  }
  for (const query of ['mailbox=nobody@contoso.com', 'colour=red']) {
    const { status, body } = await app.call('POST', `/api/probe?${query}`);
    assert.deepEqual([status, body.code], [400, 'parameter_invalid']);
  }
});

describe('with other settings', () => {
  test('modes of authorisation: both are healthy, and mixing them is a warning only where App RBAC is stated', async () => {
    const list = senders([[MAILBOX, CERTIFICATE]], { authorization: 'appRbac' });
    const claim = senders([['secret@contoso.com', KINDS['secret@contoso.com'] ?? {}]], { authorization: 'claim' });
    const unsaid = senders([['signed@contoso.com', KINDS['signed@contoso.com'] ?? {}]]);
    await app.restartHost({ MAIL_SENDERS: JSON.stringify([list, claim, unsaid].flatMap(text => JSON.parse(text))) });
    for (const run of await probeAll()) assert.deepEqual([run.ok, phaseOf(run, 'token').code], [true, undefined]);
    const [registration] = app.m365.world.apps;
    assert.ok(registration);
    registration.roles = ['SMTP.SendAsApp'];
    app.m365.world.exchange.mode = 'claim';
    for (const one of app.m365.world.mailboxes) one.fullAccess = [registration.clientId];
    const codes = (await probeAll()).map(run => [run.ok, phaseOf(run, 'token').code]);
    assert.deepEqual(codes, [
      [true, 'entra_modes_mixed'],
      [true, undefined],
      [true, undefined],
    ]);
  });

  test('a schedule that cannot be read gives way to the default and is reported; one that can is followed', async () => {
    await app.restartHost({ PROBE_SCHEDULE: '%NOT_THERE%', MAIL_SENDERS: senders([[MAILBOX, CERTIFICATE]]) });
    const settings = phaseOf(await probe(), 'settings');
    assert.deepEqual([settings.ok, settings.code], [true, 'settings_invalid']);
    assert.match(settings.detail, /PROBE_SCHEDULE is not an NCRONTAB expression/);
    const begun = new Date().toISOString();
    await app.restartHost({ PROBE_SCHEDULE: '* * * * * *', MAIL_SENDERS: senders([[MAILBOX, CERTIFICATE]]) });
    const runs = async () => (await app.call('GET', `/api/probes?from=${begun}`)).body.runs;
    for (const end = Date.now() + 20_000; (await runs()).length < 2; )
      assert.ok(Date.now() < end, 'the timer has probed twice');
  });

  test('canary: a real mail whose outcome a later run tells once; after a failed one the next goes out at once', {
    timeout: 90_000,
  }, async () => {
    await app.restartAfresh({ PROBE_CANARY_TO: 'ada@example.com', MAIL_SENDERS: senders([[MAILBOX, CERTIFICATE]]) });
    const canary = async (isWanted: (phase: PhaseResult | undefined) => boolean) => {
      for (const end = Date.now() + 30_000; Date.now() < end; ) {
        const run = await probe();
        const phase = run.phases.find(one => one.phase === 'canary');
        if (isWanted(phase)) return { run, phase };
      }
      throw new Error('the canary did not come to this');
    };
    assert.equal((await probe()).phases.at(-1)?.phase, 'envelope');
    await app.trigger('canary');
    const good = await canary(phase => phase !== undefined && phase.ok !== null);
    assert.deepEqual([good.phase?.ok, good.run.ok], [true, true], JSON.stringify(good));
    assert.match(good.phase?.detail ?? '', /Exchange took it/);
    assert.equal((await probe()).phases.at(-1)?.phase, 'envelope', 'told once');
    const canaries = () => app.m365.mails.list().filter(({ raw }) => raw.includes('Subject: Exosend canary'));
    const [mail] = canaries();
    assert.deepEqual(mail?.envelope.to, ['ada@example.com']);
    assert.match(mail?.raw.toString() ?? '', /Auto-Submitted: auto-generated/);

    app.m365.faults.set({
      at: 'smtp.dot',
      action: 'reply',
      text: '554 5.2.252 SendAsDenied; billing@contoso.com not allowed to send as x@contoso.com',
    });
    await app.trigger('canary');
    const failed = await canary(phase => phase !== undefined && phase.ok !== null);
    assert.deepEqual([failed.phase?.ok, failed.run.code], [false, 'smtp_send_as_denied'], JSON.stringify(failed));
    app.m365.faults.clear();
    // Without another word from the timer.
    const mended = await canary(phase => phase !== undefined && phase.ok !== null);
    assert.deepEqual([mended.phase?.ok, mended.run.ok], [true, true], JSON.stringify(mended));
    assert.equal(canaries().length, 2);
  });

  test('sandbox: only the settings are looked at', async () => {
    await app.restartHost({ MAIL_MODE: 'sandbox', MAIL_SENDERS: undefined, PROBE_CANARY_TO: 'ada@example.com' });
    const before = app.m365.counters.identityRequests;
    const [run] = await probeAll();
    assert.deepEqual([run?.ok, run?.phases.map(({ phase }) => phase)], [true, ['settings']]);
    assert.equal(app.m365.counters.identityRequests, before);
    await app.trigger('canary');
    assert.deepEqual((await probeAll())[0]?.phases.length, 1);
  });

  test('only operators may probe and look', async () => {
    const callers = [
      { name: 'shop', keySha256: createHash('sha256').update('shop-key').digest('hex') },
      { name: 'ops', keySha256: createHash('sha256').update('ops-key').digest('hex'), operator: true },
    ];
    await app.restartHost({ MAIL_CALLERS: JSON.stringify(callers), MAIL_SENDERS: senders([[MAILBOX, CERTIFICATE]]) });
    for (const [method, route] of [
      ['POST', '/api/probe'],
      ['GET', '/api/probes'],
    ] as const) {
      const refused = await app.call(method, route, undefined, { 'x-functions-key': 'shop-key' });
      assert.deepEqual([refused.status, refused.body.code], [403, 'caller_not_allowed']);
      assert.equal((await app.call(method, route, undefined, { 'x-functions-key': 'ops-key' })).status, 200);
    }
  });
});
