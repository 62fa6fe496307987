import { createHash } from 'node:crypto';
import type { LogSink } from './log.ts';

export type HostOptions = {
  /** Folder of the app: host.json, package.json and what its `main` names. */
  root: string;
  /** 0 (default) = a free one. */
  port?: number;
  /** Ask for access keys, as in Azure; without it every function is open, as with `func start`. */
  keys?: boolean;
  /** App settings for triggers and host.json; the app itself always reads process.env. Default process.env. */
  env?: NodeJS.ProcessEnv;
  /** Where lines go. Default: the app's to stdout, warnings and errors of the host to stderr. */
  log?: LogSink;
};

/** What can be shortened by environment for tests; all in milliseconds. */
export type HostTimes = {
  /** LOCAL_HOST_LEASE_SECONDS, default 600: how long a queue message stays hidden when its host dies. */
  queueLeaseMs: number;
  /** LOCAL_HOST_PROXY_TIMEOUT_SECONDS, default 240: silence on a streamed request before the client gets 504. */
  proxyTimeoutMs: number;
  /**
   * LOCAL_HOST_TIMER_LEASE_SECONDS, default 15 (15 to 60; Azure 60): how long a dead host keeps its timers from others.
   * 0 = no lock: a host that was killed can be started again at once, but must be the only one.
   */
  timerLeaseMs: number;
  /** LOCAL_HOST_TIMER_RETRY_SECONDS, default 5 (Azure 60): pause between tries to take over the timers. */
  timerRetryMs: number;
  /** LOCAL_HOST_GRACE_SECONDS, default 5 as in Azure: what runs may go on for so long when the host stops. */
  graceMs: number;
};

/** @throws Error naming the variable that is out of range. */
export function readTimes(env: NodeJS.ProcessEnv): HostTimes {
  const ms = (name: string, fallbackSeconds: number): number => {
    const seconds = Number(env[name] || fallbackSeconds);
    if (!(seconds > 0)) throw new Error(`${name} must be a number of seconds above 0.`);
    return seconds * 1000;
  };
  const lease = env['LOCAL_HOST_TIMER_LEASE_SECONDS'] === '0' ? 0 : ms('LOCAL_HOST_TIMER_LEASE_SECONDS', 15);
  if (lease !== 0 && (lease < 15_000 || lease > 60_000)) {
    throw new Error('LOCAL_HOST_TIMER_LEASE_SECONDS must be 15 to 60 (the limits of a blob lease), or 0.');
  }
  return {
    queueLeaseMs: ms('LOCAL_HOST_LEASE_SECONDS', 600),
    proxyTimeoutMs: ms('LOCAL_HOST_PROXY_TIMEOUT_SECONDS', 240),
    timerLeaseMs: lease,
    timerRetryMs: ms('LOCAL_HOST_TIMER_RETRY_SECONDS', 5),
    graceMs: ms('LOCAL_HOST_GRACE_SECONDS', 5),
  };
}

/** Names the app among those that share a storage account: a setting, else derived from its folder. */
export function hostIdOf(root: string, env: NodeJS.ProcessEnv): string {
  return env['AzureFunctionsWebHost__hostid'] || createHash('sha256').update(root).digest('hex').slice(0, 32);
}
