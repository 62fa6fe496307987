import type { Counters } from './counters.ts';
import type { Faults } from './faults.ts';
import type { MailStore } from './mail-store.ts';
import type { State } from './state.ts';
import type { Override, World } from './world.ts';

export interface M365Options {
  /** Folder for keys and certificates that outlive a restart; made when missing. */
  stateDir: string;
  /** Each 0 (any free port) by default. */
  ports?: { identity?: number; vault?: number; entra?: number; graph?: number; smtp?: number; control?: number };
  /** Laid over the default world; arrays replace. A function gets the default world and returns the one to use. */
  world?: Override<World> | ((world: World) => World);
  /** How many mails are kept, default 2,000. */
  mailCapacity?: number;
  /** Port of the address that Entra tells as its own, where it is reached through something in between; default: that it listens on. */
  authorityPort?: number;
}

export interface M365 {
  /** App settings (environment variables) that wire an app to the simulators. */
  settings: Record<string, string>;
  /** What the tenant holds; change it at any time. */
  world: World;
  faults: Faults;
  mails: MailStore;
  counters: Counters;
  state: State;
  /** Base URL of the control API, without a slash at the end. */
  controlUrl: string;
  /** From now on every token issued so far counts as expired. */
  expireTokens(): void;
  /** Forgets message rates and recipient quotas. */
  resetLimits(): void;
  close(): Promise<void>;
}
