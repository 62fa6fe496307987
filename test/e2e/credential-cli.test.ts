import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { keysOf } from '../../local/m365/graph/key-store.ts';
import { type M365, startM365 } from '../../local/m365/start-m365.ts';
import { makeCertificate } from '../../local/m365/x509/make-certificate.ts';
import { runCredential } from '../../scripts/credential-commands.ts';

const SCRIPT = join(import.meta.dirname, '../../scripts/credential.ts');

let m365: M365;
let folder: string;
before(async () => {
  m365 = await startM365({ stateDir: join(tmpdir(), 'exosend-test-m365') });
  folder = await mkdtemp(join(tmpdir(), 'exosend-credential-'));
  setDefaultCACertificates([...getCACertificates('bundled'), m365.state.caPem]);
  for (const name of ['IDENTITY_ENDPOINT', 'IDENTITY_HEADER']) process.env[name] = m365.settings[name] ?? '';
});
after(async () => {
  await m365.close();
  await rm(folder, { recursive: true, force: true });
});

interface Run {
  code: number;
  out: string;
  error: string;
}

/** A command with the settings of the local cloud, as `--local` gives them to it. */
async function credential(args: string[], settings: Record<string, string | undefined> = m365.settings): Promise<Run> {
  const said = { out: '', error: '' };
  const code = await runCredential(args, {
    env: { EXOSEND_LOCAL_CONTROL: m365.controlUrl, ...settings },
    say: text => {
      said.out += `${text}\n`;
    },
    tell: text => {
      said.error += `${text}\n`;
    },
  });
  return { code, ...said };
}

const create = (name: string, ...more: string[]) =>
  credential(['create', '--name', name, '--out', join(folder, `${name}.cer`), ...more]);
const app = () => {
  const [found] = m365.world.apps;
  assert.ok(found);
  return found;
};
const versions = (name: string) => m365.world.vault.certificates[name]?.versions ?? [];
const isRegistered = (name: string): boolean[] => versions(name).map(({ pem }) => app().certificates.includes(pem));
const flagged = async (name: string, ...args: string[]) => credential([...args, '--name', name]);

test('from nothing to a certificate in use, replaced, and the old one taken away', async () => {
  const made = await create('fresh');
  assert.equal(made.code, 0, made.error);
  const file = await readFile(join(folder, 'fresh.cer'), 'utf8');
  assert.equal(new X509Certificate(file).publicKey.asymmetricKeyDetails?.modulusLength, 3072);
  assert.ok(!file.includes('PRIVATE'));
  assert.equal((await create('fresh')).code, 0);
  assert.deepEqual([versions('fresh').length, isRegistered('fresh')], [1, [true]], 'twice is once');
  const policy = m365.world.vault.certificates['fresh']?.policy as { lifetime_actions: { action: unknown }[] };
  assert.deepEqual(policy.lifetime_actions[0]?.action, { action_type: 'EmailContacts' }, 'the vault renews nothing');

  const status = await flagged('fresh', 'status');
  assert.match(status.out, /36\d +yes +registered .*← in use/);
  const young = await flagged('fresh', 'rotate');
  assert.match(young.out, /nothing to do/);
  const rotated = await flagged('fresh', 'rotate', '--force', '--grace-hours', '0');
  assert.equal(rotated.code, 0, rotated.error);
  assert.deepEqual(isRegistered('fresh'), [true, true], 'nobody has told the id of the first key');
  assert.match(rotated.out, /revoke --key-id/);

  const first = keysOf(app()).find(({ pem }) => pem === versions('fresh')[0]?.pem);
  const second = keysOf(app()).find(({ pem }) => pem === versions('fresh')[1]?.pem);
  assert.ok(first && second);
  assert.equal((await flagged('fresh', 'revoke', '--key-id', first.keyId)).code, 0);
  assert.deepEqual(isRegistered('fresh'), [false, true]);
  assert.match((await flagged('fresh', 'status')).out, new RegExp(`registered +${second.keyId} +← in use`));
  const last = await flagged('fresh', 'revoke', '--key-id', second.keyId);
  assert.equal(last.code, 1);
  assert.match(last.error, /could not sign in.*rotate --force/);
  assert.deepEqual(isRegistered('fresh'), [false, true], 'the last one stays');
});

test('a key that may not leave the vault signs its own succession', async () => {
  assert.equal((await create('kept', '--sign-in-vault')).code, 0);
  assert.equal(m365.world.vault.certificates['kept']?.exportable, false);
  const { MAIL_TENANT_ID: tenantId, MAIL_CLIENT_ID: clientId, MAIL_APP_OBJECT_ID, ...rest } = m365.settings;
  const own = { kind: 'certificate', name: 'kept', sign: 'vault', applicationObjectId: MAIL_APP_OBJECT_ID };
  const sender = { mailbox: 'billing@contoso.com', tenantId, clientId, credential: own };
  const env = { ...(rest as Record<string, string>), MAIL_SENDERS: JSON.stringify([sender]) };
  m365.world.graph.canReadOwnApp = true;
  const rotated = await credential(['rotate', '--force', '--grace-hours', '0'], env);
  m365.world.graph.canReadOwnApp = false;
  assert.equal(rotated.code, 0, rotated.error);
  assert.deepEqual(
    [isRegistered('kept'), versions('kept').map(one => one.enabled)],
    [
      [false, true],
      [false, true],
    ],
  );
  assert.equal(m365.world.vault.certificates['kept']?.exportable, false, 'by the same policy');
});

test('a key whose version nobody knows is taken away only when told twice', async () => {
  const stray = await makeCertificate({ bits: 2048 });
  app().certificates = [...app().certificates, stray.pem];
  const keyId = keysOf(app()).find(({ pem }) => pem === stray.pem)?.keyId ?? '';
  const hesitant = await flagged('exosend-smtp', 'revoke', '--key-id', keyId);
  assert.deepEqual([hesitant.code, /--force/.test(hesitant.error)], [1, true]);
  assert.equal((await flagged('exosend-smtp', 'revoke', '--key-id', keyId, '--force')).code, 0);
  assert.ok(!app().certificates.includes(stray.pem));
});

test('outside the local cloud the commands for the admin are printed', async () => {
  const file = join(folder, 'elsewhere.cer');
  const env = { ...m365.settings, EXOSEND_LOCAL_CONTROL: undefined };
  const { out } = await credential(['create', '--name', 'elsewhere', '--out', file], env);
  assert.ok(out.includes(`az ad app credential reset --id ${app().clientId} --append --cert "@${file}"`), out);
  assert.deepEqual(isRegistered('elsewhere'), [false], 'nothing is registered by itself');
  const blocked = await flagged('elsewhere', 'rotate', '--force');
  assert.equal(blocked.code, 1);
  assert.match(blocked.error, /An admin has to register it/);
  assert.equal(versions('elsewhere').length, 1, 'and no version is made that nobody could register');
});

test('who may see the versions and not their keys is shown the versions, and why no more', async () => {
  const identity = m365.world.identities.find(({ kind }) => kind === 'userAssigned');
  assert.ok(identity);
  identity.vaultOperations = ['certificates/get', 'certificates/list'];
  const { code, out } = await flagged('exosend-smtp', 'status');
  delete identity.vaultOperations;
  assert.equal(code, 0);
  assert.match(out, /not tried\n\nNot tried with Entra ID: Key Vault: read exosend-smtp failed with 403/);
});

test('where several apps share a certificate, the key’s app has to be named', async () => {
  const { MAIL_TENANT_ID: tenantId, MAIL_CLIENT_ID: clientId, ...rest } = m365.settings;
  const other = '11111111-2222-4333-8444-555555555555';
  const credentialOf = { kind: 'certificate', name: 'exosend-smtp' };
  const senders = [clientId, other].map((id, at) => ({
    mailbox: `app${at}@contoso.com`,
    tenantId,
    clientId: id,
    credential: credentialOf,
  }));
  const env = { ...rest, MAIL_SENDERS: JSON.stringify(senders) };
  const unnamed = await credential(['revoke', '--key-id', 'k'], env);
  assert.equal(unnamed.code, 1);
  assert.ok(unnamed.error.includes(`--client-id ${clientId} or ${other}`), unnamed.error);
  const unknown = await credential(['revoke', '--key-id', 'k', '--client-id', 'nobody'], env);
  assert.match(unknown.error, new RegExp(`No app nobody .*${clientId}, ${other}`));
});

test('a certificate that is signed elsewhere is left to people', async () => {
  const certificate = m365.world.vault.certificates['exosend-smtp-pem'];
  assert.ok(certificate);
  certificate.policy = { issuer: { name: 'Unknown' } };
  const { code, error } = await flagged('exosend-smtp-pem', 'rotate', '--force');
  delete certificate.policy;
  assert.deepEqual([code, /signed outside Key Vault/.test(error), certificate.versions.length], [1, true, 1]);
});

test('what cannot be understood says so', async () => {
  assert.equal((await credential(['renew'])).code, 2);
  assert.equal((await credential(['rotate', '--quickly'])).code, 2);
  const bare = await credential(['status'], {});
  assert.equal(bare.code, 1);
  assert.match(bare.error, /KEY_VAULT_URL is missing/);
  const missing = await flagged('nothing', 'rotate');
  assert.match(missing.error, /no version of nothing.*credential -- create/);
});

test('--local works with no local cloud running: on one of its own', async () => {
  // A port on which nothing listens two further.
  const env = { PATH: process.env['PATH'] ?? '', PORT: '1' };
  const run = await new Promise<Run>(resolve => {
    execFile(process.execPath, [SCRIPT, 'status', '--local'], { env }, (error, out, stderr) => {
      resolve({ code: error ? 1 : 0, out, error: stderr });
    });
  });
  assert.equal(run.code, 0, run.error);
  assert.match(run.error, /a local cloud of its own/);
  assert.match(run.out, /^exosend-smtp, app .*\n\n.+\n.+← in use/);
});
