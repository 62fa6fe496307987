/** Settings by name; undefined takes a name away. */
export type SettingValues = Readonly<Record<string, string | undefined>>;

/**
 * Names that only the local cloud decides, beside those it sets itself: each would turn the app away from the simulators
 * (MAIL_SENDERS replaces the mailbox that they know) or from the local storage.
 */
const RESERVED = /^(MAIL_SENDERS|MAIL_TOKEN_SCOPE|AzureWebJobsStorage(__.*)?|MSI_.*|NODE_OPTIONS)$/i;

interface EnvironmentParts {
  /** What the process starts from, e.g. `process.env`. */
  base: SettingValues;
  /** `Values` of local.settings.json. */
  fileValues?: SettingValues;
  /** What the local cloud provides: it wins over both. */
  cloud: SettingValues;
  /** Asked for by name by whoever starts the cloud: wins over everything. */
  overrides?: SettingValues;
}

/**
 * The environment of a host process. From the file only what the local cloud does not decide is taken, and nothing that
 * the shell has set: so a file made for a real tenant cannot make `npm start` send real mail.
 * @returns the environment, and the names in the file that were left out
 */
export function hostEnvironment(parts: EnvironmentParts): { env: Record<string, string>; ignored: string[] } {
  const fileValues = Object.entries(parts.fileValues ?? {});
  const isDecided = (name: string): boolean => name in parts.cloud || RESERVED.test(name);
  const taken = fileValues.filter(([name, value]) => !isDecided(name) && value !== '');
  const ignored = fileValues.filter(([name, value]) => isDecided(name) && value !== '').map(([name]) => name);
  const merged: SettingValues = {
    ...Object.fromEntries(taken),
    ...parts.base,
    // A proxy would be asked for 127.0.0.1, too: the Azure SDKs read these.
    NO_PROXY: [parts.base['NO_PROXY'] ?? parts.base['no_proxy'], 'localhost', '127.0.0.1'].filter(Boolean).join(','),
    ...parts.cloud,
    ...parts.overrides,
  };
  const env = Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { env: Object.fromEntries(env), ignored };
}
