import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { after, before, test } from 'node:test';
import type { M365 } from '../../local/m365/m365.ts';
import { startM365 } from '../../local/m365/start-m365.ts';
import type { World } from '../../local/m365/world.ts';
import type { Finding } from '../../shared/domain/finding.ts';

const ROOT = resolve(import.meta.dirname, '../..');

let m365: M365;
let healthy: World;
let stateDir: string;
let child: ChildProcessWithoutNullStreams;
let answers: Interface;

before(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'doctor-'));
  m365 = await startM365({ stateDir });
  healthy = structuredClone(m365.world);
  child = spawn(process.execPath, [resolve(import.meta.dirname, 'fixtures/doctor-child.ts')], {
    env: { PATH: process.env['PATH'], ...m365.settings, EXOSEND_LOCAL_CONTROL: m365.controlUrl },
  });
  child.stderr.pipe(process.stderr);
  answers = createInterface({ input: child.stdout });
});
after(async () => {
  child.kill();
  await m365.close();
  await rm(stateDir, { recursive: true, force: true });
});

/** The report of a tenant changed by `change`, with these settings laid over the good ones. */
async function report(change: (world: World) => void, env: Record<string, string> = {}): Promise<readonly Finding[]> {
  Object.assign(m365.world, structuredClone(healthy));
  change(m365.world);
  const answer = new Promise<string>(done => answers.once('line', done));
  child.stdin.write(`${JSON.stringify(env)}\n`);
  return JSON.parse(await answer) as Finding[];
}

const app = (world: World) => world.apps[0] as World['apps'][number];
const mailbox = (world: World) => world.mailboxes[0] as World['mailboxes'][number];
const sender = (more: Record<string, unknown>) => ({
  MAIL_SENDERS: JSON.stringify([
    {
      mailbox: 'billing@contoso.com',
      tenantId: m365.settings['MAIL_TENANT_ID'],
      clientId: m365.settings['MAIL_CLIENT_ID'],
      credential: { kind: 'certificate', name: 'exosend-smtp' },
      ...more,
    },
  ]),
});

test('of a healthy tenant nothing is said but ✔', async () => {
  const findings = await report(() => {});
  assert.deepEqual(
    findings.filter(({ verdict }) => verdict !== 'ok'),
    [],
  );
  for (const check of ['clock', 'tls', 'vault', 'token', 'auth billing@contoso.com', 'envelope billing@contoso.com'])
    assert.ok(
      findings.some(finding => finding.check === check),
      check,
    );
});

interface Mistake {
  readonly name: string;
  readonly change?: (world: World) => void;
  readonly env?: () => Record<string, string>;
  /** The first finding that failed. */
  readonly check: string;
  readonly code: string;
  /** What its detail, cause or remedy must say. */
  readonly says: RegExp;
}

const ACCESS = 'auth billing@contoso.com';
const MISTAKES: readonly Mistake[] = [
  {
    name: 'the public certificate is not uploaded',
    change: world => app(world).certificates.splice(0),
    check: 'token',
    code: 'entra_certificate_not_registered',
    says: /az ad app credential reset|AADSTS700027/,
  },
  {
    name: 'the clock is off by ten minutes',
    change: world => {
      world.clockOffsetMs = 600_000;
    },
    check: 'clock',
    code: 'entra_clock_skew',
    says: /600 s|599 s|601 s/,
  },
  {
    name: 'the tenant id is wrong',
    env: () => ({ MAIL_TENANT_ID: '11111111-2222-3333-4444-555555555555' }),
    check: 'token',
    code: 'entra_tenant_not_found',
    says: /MAIL_TENANT_ID|tenant/,
  },
  {
    name: 'the client id is wrong',
    env: () => ({ MAIL_CLIENT_ID: '11111111-2222-3333-4444-555555555555' }),
    check: 'token',
    code: 'entra_app_not_found',
    says: /MAIL_CLIENT_ID|client id/i,
  },
  {
    name: 'the app has no service principal in the tenant',
    change: world => {
      app(world).hasServicePrincipal = false;
    },
    check: 'token',
    code: 'entra_service_principal_missing',
    says: /az ad sp create/,
  },
  {
    name: 'the scope is that of Graph',
    env: () => ({ MAIL_TOKEN_SCOPE: 'https://graph.microsoft.com/.default' }),
    check: ACCESS,
    code: 'smtp_auth_unsuccessful',
    says: /first: 1\. the token is for .*graph\.microsoft\.com/,
  },
  {
    name: 'neither claim nor role assignment is there',
    change: world => {
      mailbox(world).appRbac = [];
    },
    check: ACCESS,
    code: 'smtp_auth_unsuccessful',
    says: /first: 1\. no App RBAC assignment has this mailbox in its scope/,
  },
  {
    name: 'claim mode, and the consent is missing',
    change: world => {
      world.exchange.mode = 'claim';
    },
    env: () => sender({ authorization: 'claim' }),
    check: ACCESS,
    code: 'smtp_auth_unsuccessful',
    says: /first: 1\. claim mode without the role SMTP\.SendAsApp/,
  },
  {
    name: 'claim mode without FullAccess',
    change: world => {
      world.exchange.mode = 'claim';
      app(world).roles = ['SMTP.SendAsApp'];
    },
    env: () => sender({ authorization: 'claim' }),
    check: ACCESS,
    code: 'smtp_auth_unsuccessful',
    says: /first: 1\. the app has no FullAccess/,
  },
  {
    name: 'the service principal has the registration’s object id',
    change: world => {
      world.exchange.servicePrincipals = [
        { clientId: world.clientId, objectId: '99999999-0000-0000-0000-000000000000' },
      ];
    },
    check: ACCESS,
    code: 'smtp_auth_unsuccessful',
    says: /wrong object id \(the enterprise application’s is needed\) \(check: Get-ServicePrincipal/,
  },
  {
    name: 'both modes are mixed',
    change: world => {
      app(world).roles = ['SMTP.SendAsApp'];
      mailbox(world).appRbac = [];
    },
    env: () => sender({ authorization: 'appRbac' }),
    check: ACCESS,
    code: 'smtp_auth_unsuccessful',
    says: /first: 1\. App RBAC is stated, yet the token carries SMTP\.SendAsApp/,
  },
  {
    name: 'SMTP AUTH is off for the mailbox',
    change: world => {
      mailbox(world).smtpAuthDisabled = true;
    },
    check: ACCESS,
    code: 'smtp_auth_disabled_mailbox',
    says: /Set-CASMailbox/,
  },
  {
    name: 'SMTP AUTH is off for the tenant',
    change: world => {
      world.exchange.smtpAuthDisabled = true;
    },
    check: ACCESS,
    code: 'smtp_auth_disabled_tenant',
    says: /Set-CASMailbox|Set-TransportConfig/,
  },
  {
    name: 'the certificate is not in the vault',
    env: () => ({ MAIL_CERTIFICATE_NAME: 'no-such-certificate' }),
    check: 'vault',
    code: 'vault_item_not_found',
    says: /no-such-certificate|name/,
  },
  {
    name: 'the port is shut',
    env: () => ({ SMTP_PORT: '1' }),
    check: 'tcp',
    code: 'tcp_refused',
    says: /refused/i,
  },
  {
    name: 'a setting is missing',
    env: () => ({ MAIL_CLIENT_ID: '' }),
    check: 'settings MAIL_CLIENT_ID',
    code: 'settings_invalid',
    says: /missing/,
  },
];

for (const { name, change = () => {}, env = () => ({}), check, code, says } of MISTAKES) {
  test(`where ${name}, the first ✖ names the cause`, async () => {
    const findings = await report(change, env());
    const first = findings.find(({ verdict }) => verdict === 'failed');
    assert.equal(first?.check, check, JSON.stringify(first));
    assert.equal(first.code, code);
    assert.match(`${first.detail} ${first.cause} ${first.remedy}`, says);
    assert.ok(first.remedy && first.docs);
  });
}

test('a From that the mailbox may not send as cannot be told without a mail, and the report says how to look', async () => {
  const findings = await report(() => {}, sender({ from: ['noreply@contoso.com'] }));
  const found = findings.find(({ check }) => check.startsWith('send as'));
  assert.equal(found?.verdict, 'left');
  assert.match(found.remedy ?? '', /Get-RecipientPermission noreply@contoso\.com -Trustee billing@contoso\.com/);
});

test('both modes at once are warned of also while they work', async () => {
  const findings = await report(
    world => {
      app(world).roles = ['SMTP.SendAsApp'];
      mailbox(world).fullAccess = [world.clientId];
    },
    sender({ authorization: 'appRbac' }),
  );
  assert.equal(findings.find(({ check }) => check === 'token')?.verdict, 'warning');
});

test('a certificate that ends soon is warned of while all else is well', async () => {
  const findings = await report(world => {
    const version = world.vault.certificates['exosend-smtp']?.versions.at(-1);
    assert.ok(version);
    version.expiresAt = new Date(Date.now() + 10.5 * 86_400_000);
  });
  const found = findings.find(({ check }) => check === 'expiry');
  assert.match(found?.detail ?? '', /ends in 10 days/);
  assert.ok(findings.every(({ verdict }) => verdict !== 'failed'));
});

test('the command prints a report, and its exit code tells', async () => {
  const run = (...args: string[]) =>
    new Promise<{ code: number; out: string }>(done => {
      // A port on which nothing listens two further: a local cloud of its own.
      execFile(
        process.execPath,
        ['scripts/doctor.ts', ...args],
        { cwd: ROOT, env: { ...process.env, PORT: '1' } },
        (error, stdout, stderr) => done({ code: error ? Number(error.code) : 0, out: stdout + stderr }),
      );
    });
  const [good, unknown, wrong] = await Promise.all([
    run('--local'),
    run('--local', '--mailbox', 'nobody@contoso.com'),
    run('--nonsense'),
  ]);
  assert.equal(good.code, 0, good.out);
  assert.match(good.out, /✔ auth billing@contoso\.com[\s\S]*Mail can be sent\./);
  assert.equal(unknown.code, 2, unknown.out);
  assert.equal(wrong.code, 2);
  assert.match(wrong.out, /npm run doctor/);
});
