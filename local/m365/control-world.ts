import { newMailbox } from './default-world.ts';
import type { M365 } from './m365.ts';
import { rotateCertificate } from './rotate-certificate.ts';
import type { App, Exchange, Limits, Mailbox } from './world.ts';

/** Body of `PATCH /control/world`: the switches that are useful from outside. What is left out stays as it is. */
export interface WorldPatch {
  exchange?: Partial<Omit<Exchange, 'limits'>>;
  limits?: Partial<Limits>;
  /** The app that the settings name. */
  app?: Partial<Pick<App, 'enabled' | 'hasServicePrincipal' | 'blockedByConditionalAccess' | 'roles' | 'certificates'>>;
  /** Changes the mailbox of that address, or adds it (in the App RBAC scope of the app). */
  mailbox?: Partial<Mailbox> & { address: string };
  tokenLifetimeSeconds?: number;
  clockOffsetMs?: number;
  expireTokens?: true;
  resetLimits?: true;
  /** New version of a vault certificate; `register: false` leaves it unknown to Entra. */
  rotate?: { certificate: string; register?: boolean };
}

const SWITCHES: (keyof WorldPatch)[] = [
  'exchange',
  'limits',
  'app',
  'mailbox',
  'tokenLifetimeSeconds',
  'clockOffsetMs',
  'expireTokens',
  'resetLimits',
  'rotate',
];

/** Applies a patch at once. Throws, before anything has changed, on a switch that does not exist. */
export async function patchWorld(m365: M365, patch: WorldPatch): Promise<void> {
  const unknown = Object.keys(patch).filter(key => !(SWITCHES as string[]).includes(key));
  if (unknown.length > 0) throw new Error(`Unknown: ${unknown.join(', ')}. Known: ${SWITCHES.join(', ')}.`);
  const { world } = m365;
  Object.assign(world.exchange, patch.exchange);
  Object.assign(world.exchange.limits, patch.limits);
  const app = world.apps.find(one => one.clientId === world.clientId);
  if (app) Object.assign(app, patch.app);
  if (patch.mailbox) Object.assign(findOrAddMailbox(m365, patch.mailbox.address), patch.mailbox);
  if (patch.tokenLifetimeSeconds !== undefined) world.tokens.lifetimeSeconds = patch.tokenLifetimeSeconds;
  if (patch.clockOffsetMs !== undefined) world.clockOffsetMs = patch.clockOffsetMs;
  if (patch.expireTokens) m365.expireTokens();
  if (patch.resetLimits) m365.resetLimits();
  if (patch.rotate) await rotateCertificate(world, patch.rotate.certificate, patch.rotate);
}

function findOrAddMailbox({ world }: M365, address: string): Mailbox {
  const found = world.mailboxes.find(one => one.address.toLowerCase() === address.toLowerCase());
  if (found) return found;
  const added = newMailbox(address, [world.clientId]);
  world.mailboxes.push(added);
  return added;
}
