import { alertOf } from '../domain/alert.ts';
import type { Log } from '../domain/ports.ts';
import { newId, type WatchDeps } from './watch-deps.ts';
import { logAlert, logFailed } from './watch-tell.ts';

/** Whether one channel took the test, or why not. */
export interface ChannelTest {
  readonly kind: string;
  /** Host of the address, or the name of the secret that holds it. */
  readonly target: string;
  readonly taken: boolean;
  readonly reason?: string;
}

/**
 * Sends one test notification to every channel, a ping to every heartbeat. That a channel took it does not prove that a
 * person saw it: a Teams workflow answers 202 even when its card fails.
 */
export async function testChannels(deps: WatchDeps, log: Log): Promise<readonly ChannelTest[]> {
  const id = newId(deps);
  const nowMs = deps.clock.now();
  const alert = alertOf(
    {
      id: `${id}_test`,
      type: 'test',
      atMs: nowMs,
      incidentId: id,
      mailboxes: deps.subjects.mailboxes.slice(0, 1),
      code: 'alert_test',
      sinceMs: nowMs,
    },
    deps.dashboardUrl,
  );
  logAlert(alert, log);
  const channels = deps.channelNames.length === 0 ? [] : await deps.channels();
  const told = channels.map(async (channel): Promise<ChannelTest> => {
    const target = deps.channelNames.find(({ key }) => key === channel.key)?.target ?? '';
    const taken = await channel.send(alert);
    if (taken.ok) return { kind: channel.kind, target, taken: true };
    logFailed(deps, alert, channel, taken.reason, log);
    return { kind: channel.kind, target, taken: false, reason: taken.reason };
  });
  const heartbeats = deps.hasHeartbeats ? await deps.heartbeats() : [];
  const pinged = heartbeats.map(async ({ target, ping }): Promise<ChannelTest> => {
    const taken = await ping('good');
    return { kind: 'heartbeat', target, taken: taken.ok, ...(taken.ok ? {} : { reason: taken.reason }) };
  });
  return Promise.all([...told, ...pinged]);
}
