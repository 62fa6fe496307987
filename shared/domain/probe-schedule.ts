/** Schedules by default: probes every five minutes, canaries every six hours. */
const DEFAULT_PROBE_SCHEDULE = '0 */5 * * * *';
const DEFAULT_CANARY_SCHEDULE = '0 0 */6 * * *';

interface ProbeSchedules {
  readonly probe: string;
  readonly canary: string;
  /** What is wrong with the settings, each by name and without its value; the defaults stand in. */
  readonly problems: readonly string[];
}

/**
 * PROBE_SCHEDULE and PROBE_CANARY_SCHEDULE. Read when the app loads, since a function is registered with its schedule;
 * one that the host cannot read would take the function away, so the default stands in for it.
 */
export function probeSchedules(env: Readonly<Record<string, string | undefined>>): ProbeSchedules {
  const problems: string[] = [];
  const read = (name: string, given: string | undefined, fallback: string): string => {
    const value = given?.trim();
    if (value === undefined || value === '') return fallback;
    if (isNcrontab(value)) return value;
    problems.push(`${name} is not an NCRONTAB expression of five or six fields that ever fires; ${fallback} is used`);
    return fallback;
  };
  const probe = read('PROBE_SCHEDULE', env['PROBE_SCHEDULE'], DEFAULT_PROBE_SCHEDULE);
  const canary = read('PROBE_CANARY_SCHEDULE', env['PROBE_CANARY_SCHEDULE'], DEFAULT_CANARY_SCHEDULE);
  return { probe, canary, problems };
}

const MONTHS = 'january february march april may june july august september october november december'.split(' ');
const WEEKDAYS = 'sunday monday tuesday wednesday thursday friday saturday'.split(' ');
const DAYS_OF_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Whether the host can read this as a schedule: `second minute hour day month weekday`, or five fields without the second.
 * A TimeSpan is refused: it works on App Service plans alone. Source: Microsoft, "Timer trigger for Azure Functions",
 * NCRONTAB expressions.
 */
export function isNcrontab(text: string): boolean {
  const fields = text.trim().split(/\s+/);
  if (fields.length === 5) fields.unshift('0');
  if (fields.length !== 6) return false;
  const [second, minute, hour, day, month, weekday] = fields as [string, string, string, string, string, string];
  const days = valuesOf(day, 1, 31, []);
  const months = valuesOf(month, 1, 12, MONTHS);
  const others = [
    valuesOf(second, 0, 59, []),
    valuesOf(minute, 0, 59, []),
    valuesOf(hour, 0, 23, []),
    valuesOf(weekday, 0, 6, WEEKDAYS),
  ];
  if (!days || !months || others.includes(undefined)) return false;
  // The 31st of February never comes.
  return months.some(one => days.some(date => date <= (DAYS_OF_MONTH[one - 1] ?? 0)));
}

/** The values that a field allows; undefined where it cannot be read. */
function valuesOf(field: string, min: number, max: number, names: readonly string[]): number[] | undefined {
  const toNumber = (part: string): number => {
    const named = /^[a-z]{3,}$/i.test(part) ? names.findIndex(name => name.startsWith(part.toLowerCase())) : -1;
    const value = named >= 0 ? named + min : /^\d{1,4}$/.test(part) ? Number(part) : Number.NaN;
    return value >= min && value <= max ? value : Number.NaN;
  };
  const values = new Set<number>();
  for (const item of field.split(',')) {
    const match = /^(\*|[0-9a-z]+)(?:-([0-9a-z]+))?(?:\/(\d{1,4}))?$/i.exec(item);
    if (!match) return undefined;
    const [, first = '', last, stepText] = match;
    const step = stepText === undefined ? 1 : Number(stepText);
    if (first === '*' && last !== undefined) return undefined;
    const from = first === '*' ? min : toNumber(first);
    const to = first === '*' || (last === undefined && stepText !== undefined) ? max : toNumber(last ?? first);
    if (Number.isNaN(from) || Number.isNaN(to) || step < 1) return undefined;
    for (let value = Math.min(from, to); value <= Math.max(from, to); value += step) values.add(value);
  }
  return [...values];
}
