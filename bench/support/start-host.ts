import { type Child, startChild } from './child.ts';
import type { HostArguments } from './host-script.ts';

export interface BenchHost extends Omit<Child, 'pid'> {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
}

export interface BenchHostOptions extends HostArguments {
  /** The app's settings. */
  readonly env: Readonly<Record<string, string>>;
  /** Note which modules are loaded, for `call('loaded')`. */
  readonly recordLoads?: boolean;
}

/** Starts a host (host-script.ts) with the app in `root`. */
export async function startBenchHost({ env, recordLoads, ...rest }: BenchHostOptions): Promise<BenchHost> {
  const child = startChild(new URL('host-script.ts', import.meta.url), {
    env: {
      FUNCTIONS_WORKER_RUNTIME: 'node',
      AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
      WEBSITE_HOSTNAME: 'localhost',
      ...env,
    },
  });
  try {
    if (recordLoads) await child.call('recordLoads');
    const url = await child.call<string>('start', rest satisfies HostArguments);
    return { url, call: child.call, close: child.close };
  } catch (error) {
    await child.close();
    throw error;
  }
}
