import { startAzurite } from '../../local/cloud/start-azurite.ts';
import { type M365, type M365Options, startM365 } from '../../local/m365/start-m365.ts';
import { STATE_DIR } from './project.ts';

/** Storage and Microsoft 365 for one bench, new each time. */
export interface World {
  readonly connectionString: string;
  readonly m365: M365;
  /** Settings for an app that uses both. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** Azurite in a process of its own and in memory; the simulators in this one, which is never the measured one. */
export async function startWorld(options: Omit<M365Options, 'stateDir'> = {}): Promise<World> {
  const azurite = await startAzurite();
  try {
    const m365 = await startM365({ ...options, stateDir: STATE_DIR });
    // What is measured is the app, not the patience that 30 messages a minute ask for.
    m365.world.exchange.limits.messagesPerMinute = 1_000_000;
    return {
      connectionString: azurite.connectionString,
      m365,
      env: { ...m365.settings, AzureWebJobsStorage: azurite.connectionString },
      close: async () => void (await Promise.all([m365.close(), azurite.close()])),
    };
  } catch (error) {
    await azurite.close();
    throw error;
  }
}
