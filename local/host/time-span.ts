/**
 * Reads a .NET TimeSpan as host.json and timer schedules use it: `[d.]hh:mm[:ss[.fffffff]]`.
 * When the first of the parts is 24 or more it counts days, so `24:00:00` is 24 days, as in Azure:
 * https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#timespan
 * @returns milliseconds, or undefined when the text is not a TimeSpan.
 */
export function parseTimeSpan(text: string): number | undefined {
  const match = /^(-)?(?:(\d+)\.)?(\d+):(\d+)(?::(\d+)(\.\d{1,7})?)?$/.exec(text.trim());
  if (!match) return undefined;
  let [days, hours, minutes, seconds] = [match[2], match[3], match[4], match[5]].map(part => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
  ];
  if (match[2] === undefined && hours > 23) [days, hours, minutes, seconds] = [hours, minutes, seconds, 0];
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const ms = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + Number(match[6] ?? 0) * 1000;
  return match[1] ? -ms : ms;
}

/**
 * Writes a point in time the way .NET serialises a DateTimeOffset in UTC, decimals only where needed.
 * @param at milliseconds since the epoch.
 */
export function formatDateTimeOffset(at: number): string {
  return `${new Date(at)
    .toISOString()
    .slice(0, -1)
    .replace(/\.?0+$/, '')}+00:00`;
}
