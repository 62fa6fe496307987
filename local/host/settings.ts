/** App settings, as the process has them. */
export type Settings = NodeJS.ProcessEnv;

/**
 * Replaces every `%NAME%` by the app setting of that name, as the host does in queue names and timer schedules.
 * @throws Error naming the setting when it is not set: in Azure that function is then not loaded.
 */
export function resolveSettings(text: string, settings: Settings): string {
  return text.replaceAll(/%([^%]+)%/g, (_, name: string) => {
    const value = settings[name];
    if (value === undefined || value === '') throw new Error(`'%${name}%' does not resolve to a value.`);
    return value;
  });
}

/**
 * Finds the storage connection string that a binding's `connection` names: `AzureWebJobs<name>` first, then `<name>`;
 * without a name it is AzureWebJobsStorage.
 * @throws Error saying which setting is missing, or that only the identity form is present.
 */
export function findConnectionString(connection: string | undefined, settings: Settings): string {
  const name = connection || 'AzureWebJobsStorage';
  const value = settings[`AzureWebJobs${name}`] || settings[name];
  if (value) return value;
  const identity = Object.keys(settings).find(key => key.startsWith(`${name}__`));
  if (identity) {
    throw new Error(
      `Connection '${name}' is given by identity (${identity}). The local host has no credential for triggers: ` +
        `set ${name} to a connection string, for instance Azurite's.`,
    );
  }
  throw new Error(`Storage connection string '${name}' does not exist. Make sure that it is a defined app setting.`);
}

/** Tells whether `AzureWebJobs.<function>.Disabled` (or with `_` for `.`) switches the function off. */
export function isDisabled(functionName: string, settings: Settings): boolean {
  const value = settings[`AzureWebJobs.${functionName}.Disabled`] ?? settings[`AzureWebJobs_${functionName}_Disabled`];
  return value === '1' || value?.toLowerCase() === 'true';
}
