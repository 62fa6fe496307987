import { X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readLocalSettings } from '../local/cloud/read-local-settings.ts';
import { policyFromCli } from '../shared/adapters/key-vault/certificate-policy.ts';
import type { Log } from '../shared/domain/ports.ts';
import { type AppKeys, noNewVersion } from '../shared/domain/rotation-ports.ts';
import { credentialStatus } from '../shared/usecases/credential-status.ts';
import { revokeKey } from '../shared/usecases/revoke-key.ts';
import { rotateCredential } from '../shared/usecases/rotate-credential.ts';
import { registerText, rotationText, statusText } from './credential-print.ts';
import { type Chosen, chooseCredential } from './credential-settings.ts';
import { registerAsAdmin } from './register-as-admin.ts';
import { CONTROL_VARIABLE, runOnLocalCloud } from './run-on-local-cloud.ts';

const USAGE = `The certificate with which the app signs in: made, looked at, replaced, taken away.

  npm run credential -- create [--sign-in-vault] [--policy <file>] [--out <file>]
  npm run credential -- status
  npm run credential -- rotate [--force] [--grace-hours <n>]
  npm run credential -- revoke --key-id <id> [--client-id <app>] [--force]

  --name <certificate>  which one, where the senders use several
  --client-id <app>     whose key, where several apps sign in with the certificate
  --local               on the local cloud: the one of npm start, or one for this command alone

Settings are the app's, from the environment and then local.settings.json. On a laptop you are who the Azure CLI says (az login), with
the role "Key Vault Certificates Officer" and, for rotate, status and revoke, "Key Vault Secrets User" (and "Key Vault Crypto User"
with "sign":"vault"). Everything may be stopped and run again.

Exit code: 0 done, 1 not done, 2 not understood.`;

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const HOUR_MS = 3_600_000;
const WAIT_MS = 10 * 60_000;
const SETTLE_MS = 2 * 60_000;
const clock = { now: () => Date.now(), sleep: (ms: number) => sleep(ms) };

type Flags = ReturnType<typeof readFlags>['values'];
const COMMANDS: Readonly<Record<string, (chosen: Chosen, flags: Flags, context: CommandContext) => Promise<string>>> = {
  create,
  status,
  rotate,
  revoke,
};

function readFlags(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const options = {
    name: text,
    policy: text,
    out: text,
    'key-id': text,
    'client-id': text,
    'grace-hours': text,
    'sign-in-vault': flag,
    force: flag,
    local: flag,
    help: { ...flag, short: 'h' },
  } as const;
  return parseArgs({ args: [...args], options, allowPositionals: true });
}

/** What a command has at hand. */
interface CommandContext {
  /** The app's settings and, on the local cloud, where its control API is. */
  readonly env: Readonly<Record<string, string | undefined>>;
  say(text: string): void;
  /** For what is no result: progress, and what went wrong. */
  tell(text: string): void;
}

/** Runs one command. @returns the exit code */
export async function runCredential(args: readonly string[], context: CommandContext): Promise<number> {
  let parsed: ReturnType<typeof readFlags>;
  try {
    parsed = readFlags(args);
  } catch (error) {
    context.tell(`${messageOf(error)}\n\n${USAGE}`);
    return 2;
  }
  const { values, positionals } = parsed;
  const command = COMMANDS[positionals[0] ?? ''];
  if (values.help || !command || positionals.length > 1) {
    (values.help ? context.say : context.tell)(USAGE);
    return values.help ? 0 : 2;
  }
  try {
    if (values.local)
      return await runOnLocalCloud(
        'credential.ts',
        args.filter(arg => arg !== '--local'),
      );
    const file = context.env[CONTROL_VARIABLE] === undefined ? await readLocalSettings(ROOT) : {};
    const chosen = chooseCredential({ ...file, ...context.env }, values.name, clock.now);
    context.say(await command(chosen, values, context));
    return 0;
  } catch (error) {
    context.tell(messageOf(error));
    return 1;
  }
}

/** Makes the certificate unless it is there, and shows how to register it: so it may be run again. */
async function create({ certificates, apps }: Chosen, flags: Flags, context: CommandContext): Promise<string> {
  const usual = `infra/certificate-policy${flags['sign-in-vault'] ? '.sign-in-vault' : ''}.json`;
  const policy = JSON.parse(await readFile(flags.policy ?? resolve(ROOT, usual), 'utf8'));
  const isThere = async () => (await certificates.list()).find(({ isEnabled }) => isEnabled);
  const before = await isThere();
  if (!before) await certificates.create(policyFromCli(policy));
  const newest = before ?? (await isThere());
  if (!newest) throw noNewVersion(certificates.name);
  const x509 = new X509Certificate(await certificates.publicPart(newest.version));
  const file = resolve(flags.out ?? `${certificates.name}.cer`);
  await writeFile(file, x509.toString());
  const lines = [
    `${certificates.name}: version ${newest.version} ${before ? 'is there already' : 'made'}, valid until ${new Date(newest.expiresAtMs).toISOString()}`,
    `Public part: ${file} (thumbprint ${x509.fingerprint.replaceAll(':', '')})`,
    '',
  ];
  const control = context.env[CONTROL_VARIABLE];
  for (const app of apps) {
    if (control === undefined) {
      lines.push(registerText({ clientId: app.clientId, hasObjectId: app.objectId !== undefined }, file));
    } else {
      await registerAsAdmin(control, app.clientId, x509.toString());
      lines.push('Registered: on the local cloud the admin’s part is done at once.');
    }
  }
  return lines.join('\n');
}

async function status({ certificates, apps }: Chosen): Promise<string> {
  const texts: string[] = [];
  for (const app of apps)
    texts.push(statusText(certificates.name, await credentialStatus(certificates, app, clock.now()), clock.now()));
  return texts.join('\n\n');
}

async function rotate(chosen: Chosen, flags: Flags, context: CommandContext): Promise<string> {
  const given = flags['grace-hours'];
  const hours = Number(given ?? chosen.settings.rotation.graceMs / HOUR_MS);
  if (!(hours >= 0 && hours <= 720)) throw new Error('--grace-hours is a number from 0 to 720.');
  const when = flags.force ? 'forced' : 'asked';
  const options = { when, graceMs: hours * HOUR_MS, waitMs: WAIT_MS, settleMs: SETTLE_MS } as const;
  const report = await rotateCredential({ ...chosen, clock, log: progressOf(context) }, options);
  const text = rotationText(chosen.certificates.name, report);
  if (report.state === 'waiting') throw new Error(text);
  return text;
}

async function revoke(chosen: Chosen, flags: Flags, context: CommandContext): Promise<string> {
  const keyId = flags['key-id'];
  if (keyId === undefined)
    throw new Error('Which key? --key-id <id>; npm run credential -- status shows those it knows.');
  const app = chooseApp(chosen, flags['client-id']);
  const { disabled, kept } = await revokeKey({ ...chosen, clock, log: progressOf(context) }, app, keyId, flags.force);
  return [
    `The key ${keyId} is registered no more.`,
    ...disabled.map(version => `Version ${version} is disabled.`),
    ...kept.map(({ version, usedBy }) => `Version ${version} stays enabled: ${usedBy.join(', ')} signs in with it.`),
  ].join(' ');
}

/** The app whose key it is: a certificate may serve several, and each has its own registration with its own keys. */
function chooseApp({ certificates, apps }: Chosen, clientId: string | undefined): AppKeys {
  const fitting = apps.filter(app => clientId === undefined || app.clientId.toLowerCase() === clientId.toLowerCase());
  const [app, ...others] = fitting;
  if (app && others.length === 0) return app;
  const ids = apps.map(one => one.clientId);
  throw new Error(
    clientId !== undefined && !app
      ? `No app ${clientId} signs in with ${certificates.name}. Those that do: ${ids.join(', ')}`
      : `Several apps sign in with ${certificates.name}, and a key belongs to one of them. Whose key? --client-id ${ids.join(' or ')}`,
  );
}

/** The steps as they are done, for whoever waits. */
function progressOf({ tell }: CommandContext): Log {
  return (_level, { event, detail, certificateVersion }) =>
    tell([event, certificateVersion, detail].filter(Boolean).join('  '));
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
