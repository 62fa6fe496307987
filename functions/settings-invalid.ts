/** Thrown by a queue function while settings are bad, so that its queue message stays. The first call of a process has logged each problem. */
export function settingsInvalid(): Error {
  return new Error(
    'settings_invalid: settings of the app are missing or invalid; the log line settings.invalid names each. Mend them and the app goes on with what waits.',
  );
}
