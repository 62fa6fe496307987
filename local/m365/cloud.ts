import type { KeyObject } from 'node:crypto';
import type { Counters } from './counters.ts';
import type { Faults } from './faults.ts';
import type { World } from './world.ts';

/** What every simulated service shares. */
export interface Cloud {
  world: World;
  faults: Faults;
  counters: Counters;
  /** Base URL of the simulated Entra, without a slash at the end. */
  authorityUrl: string;
  /** Base URL of the simulated Key Vault, without a slash at the end. */
  vaultUrl: string;
  /** Signs every token, and the id under which JWKS names it. */
  signingKey: { privateKey: KeyObject; publicKey: KeyObject; kid: string };
  /** Tokens of an older generation are treated as expired (`expireTokens`). */
  tokenGeneration: number;
  /** The cloud's clock, ms since 1970. */
  now(): number;
}
