import { setTimeout as sleep } from 'node:timers/promises';
import { surroundings } from '../shared/adapters/doctor/surroundings.ts';
import { credentialWalk } from '../shared/adapters/probe/credential-walk.ts';
import { serverWalk } from '../shared/adapters/probe/server-walk.ts';
import { readSettings, type Settings } from '../shared/config/settings.ts';
import type { Finding } from '../shared/domain/finding.ts';
import type { Log } from '../shared/domain/ports.ts';
import { examine, explained } from '../shared/usecases/examine.ts';
import { CONTROL_VARIABLE } from './run-on-local-cloud.ts';

/** Storage is the app's own: without it everything that the doctor looks at can be looked at all the same. */
const NO_STORAGE = { AzureWebJobsStorage: 'UseDevelopmentStorage=true' };

/**
 * Reads the settings of `env` and examines every mailbox, or the one named.
 *
 * @returns undefined when no sender has this mailbox
 */
export async function lookAround(
  env: Readonly<Record<string, string>>,
  mailbox: string | undefined,
): Promise<readonly Finding[] | undefined> {
  const read = readSettings({ ...NO_STORAGE, ...env });
  if (!read.ok) {
    return read.problems.map(({ setting, problem }) =>
      explained({ check: `settings ${setting}`, verdict: 'failed', detail: problem, code: 'settings_invalid' }),
    );
  }
  const { settings } = read;
  const wanted = mailbox?.toLowerCase();
  const senders = settings.mail.senders
    .map(sender => ({
      ...sender,
      mailboxes: sender.mailboxes.filter(own => wanted === undefined || own.toLowerCase() === wanted),
    }))
    .filter(sender => sender.mailboxes.length > 0);
  if (senders.length === 0) return undefined;
  const found: Finding = {
    check: 'settings',
    verdict: 'ok',
    detail: `${senders.length} sender(s), mode ${settings.mail.mode}, ${settings.smtp.host}:${settings.smtp.port}`,
  };
  return [
    found,
    ...(await examine({ senders, endpoint: settings.smtp, nowMs: Date.now(), ...means(settings, env) }, noLog)),
  ];
}

function means(settings: Settings, env: Readonly<Record<string, string>>) {
  const pause = () => sleep(1_000);
  const hasPublicDns = env[CONTROL_VARIABLE] === undefined;
  return {
    credentials: credentialWalk({ vault: settings.vault, entra: settings.entra, pause }),
    server: serverWalk({ ...settings.smtp, pause }),
    surroundings: surroundings({ ...settings.smtp, authorityHost: settings.entra.authorityHost, hasPublicDns }),
  };
}

/** What the adapters would log is in the findings. */
const noLog: Log = () => undefined;
