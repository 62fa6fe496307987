import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
/** Keys and certificates of the simulators, kept from run to run. */
export const STATE_DIR = join(PROJECT, 'out', 'bench');
