import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startInbox } from '../inbox/start-inbox.ts';
import { type M365, type M365Options, startM365 } from '../m365/start-m365.ts';
import { buildWhenChanged } from './build-app.ts';
import { createStorage } from './create-storage.ts';
import { startHostCrew } from './host-crew.ts';
import { hostEnvironment, type SettingValues } from './host-environment.ts';
import { createLineFeed, type LineFeed } from './line-feed.ts';
import { type AzuriteOptions, startAzurite } from './start-azurite.ts';
import type { HostEnd, HostProcess } from './start-host-process.ts';

export interface CloudOptions {
  /** Folder of the app; default: this project. */
  root?: string;
  /** Of the API; 0 (default): a free one. */
  port?: number;
  /** Of the inbox; 0 (default): a free one. */
  inboxPort?: number;
  /** Ask for access keys, as in Azure. Default: no. */
  keys?: boolean;
  /** App settings laid over those of the local cloud; undefined takes one away. */
  env?: SettingValues;
  /** What the host's environment starts from; default: PATH alone. Switches of the host such as LOCAL_HOST_LEASE_SECONDS go here or into `env`. */
  hostEnv?: SettingValues;
  /** `Values` of local.settings.json. */
  fileValues?: SettingValues;
  /** Keep storage in memory (default), or below `stateDir`. */
  memory?: boolean;
  storagePorts?: AzuriteOptions['ports'];
  /** Build the app first, when its sources are newer than dist/. Default: no, so that test files in parallel do not build into each other. */
  build?: boolean;
  /** Where keys and kept data stand; default `.local` in the project. */
  stateDir?: string;
  /** For the simulators: other mailboxes, limits, ports. */
  m365?: Omit<M365Options, 'stateDir'>;
  /** Puts something between the hosts and what they reach, and gives the settings that lead there. Asked once, before the first host. */
  rewire?(found: { connectionString: string; m365: M365 }): Promise<SettingValues>;
}

export interface Cloud {
  /** Base of the API, `http://127.0.0.1:<port>`; add `/api/…`. Stays the same over restarts. */
  url: string;
  inboxUrl: string;
  m365: M365;
  connectionString: string;
  /** Lines of every host, over restarts. */
  hostLines: LineFeed;
  /** Names in `fileValues` that the local cloud decides itself. */
  ignoredSettings: string[];
  /** The first host, or the one that took its place. */
  host(): HostProcess;
  /** Stops the first host when it runs (SIGTERM) and starts it anew on the same port; `env` is laid over as before. */
  restartHost(env?: SettingValues): Promise<HostProcess>;
  /** Ends the first host (default SIGKILL) and leaves it so. */
  killHost(signal?: NodeJS.Signals): Promise<HostEnd>;
  /** One more host on the same storage and simulators; `close` ends it, too. */
  startHostProcess(options?: { port?: number; keys?: boolean; env?: SettingValues }): Promise<HostProcess>;
  /** Resolves, with the reason, when Azurite or the first host ends unasked. */
  broken: Promise<string>;
  /** Ends everything. May be called twice. */
  close(): Promise<void>;
}

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Starts the whole local cloud: Azurite, the Microsoft 365 simulators and the inbox in this process's care, the host with
 * the built app in a child process. About two seconds.
 * @throws Error naming what did not start and why; what had started by then is ended again.
 */
export async function startCloud(options: CloudOptions = {}): Promise<Cloud> {
  const root = options.root ?? PROJECT;
  const stateDir = options.stateDir ?? join(PROJECT, '.local');
  const closers: (() => Promise<void>)[] = [];
  let closing: Promise<void> | undefined;
  const closeAll = async (): Promise<void> => {
    // Backwards: hosts first, while storage and mail server still answer what they have under way.
    for (const closePart of closers.reverse()) await closePart().catch(error => console.error('Closing:', error));
  };
  const close = (): Promise<void> => (closing ??= closeAll());
  const closeLater = <T extends { close(): Promise<void> }>(part: T): T => {
    closers.push(() => part.close());
    return part;
  };
  try {
    const building = options.build ? buildWhenChanged(root) : Promise.resolve();
    const storage = startAzurite({
      ...(options.memory === false ? { folder: join(stateDir, 'azurite') } : {}),
      ...(options.storagePorts ? { ports: options.storagePorts } : {}),
    }).then(closeLater);
    const simulators = startM365({ ...options.m365, stateDir }).then(closeLater);
    // All have settled before one may throw: so whatever runs is known to `close`.
    await Promise.allSettled([building, storage, simulators]);
    await building;
    const { connectionString, ended } = await storage;
    const m365 = await simulators;
    const [inbox] = await Promise.all([
      startInbox({ store: m365.mails, port: options.inboxPort ?? 0 }).then(closeLater),
      createStorage(connectionString),
    ]);
    const rewired = await options.rewire?.({ connectionString, m365 });
    const environmentOf = (extra?: SettingValues) =>
      hostEnvironment({
        base: options.hostEnv ?? { PATH: process.env['PATH'] },
        ...(options.fileValues ? { fileValues: options.fileValues } : {}),
        cloud: { ...m365.settings, AzureWebJobsStorage: connectionString, ...rewired },
        overrides: { ...options.env, ...extra },
      });
    const hostLines = createLineFeed();
    const crew = closeLater(
      await startHostCrew({
        root,
        port: options.port ?? 0,
        keys: options.keys ?? false,
        envOf: extra => environmentOf(extra).env,
        lines: hostLines,
      }),
    );
    const broken = Promise.withResolvers<string>();
    for (const end of [crew.broken, ended]) void end.then(why => closing ?? broken.resolve(why));
    return {
      url: crew.first().url,
      inboxUrl: inbox.url,
      m365,
      connectionString,
      hostLines,
      ignoredSettings: environmentOf().ignored,
      host: crew.first,
      restartHost: crew.restart,
      killHost: crew.kill,
      startHostProcess: crew.add,
      broken: broken.promise,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
