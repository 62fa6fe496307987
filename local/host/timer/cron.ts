/** The values each field of a cron expression allows, sorted. */
export type Cron = {
  seconds: number[];
  minutes: number[];
  hours: number[];
  days: number[];
  months: number[];
  weekdays: number[];
};

const monthNames = 'january february march april may june july august september october november december'.split(' ');
const dayNames = 'sunday monday tuesday wednesday thursday friday saturday'.split(' ');

/**
 * Reads an NCRONTAB expression: `second minute hour day month weekday`, or five fields without the second. Each field
 * is `*`, a number, a range, a list, with `/step`; months and weekdays also by name or its beginning (0 = Sunday).
 * https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
 * @returns undefined when the text has not five or six fields.
 * @throws Error naming the field that is wrong.
 */
export function parseCron(text: string): Cron | undefined {
  const fields = text.trim().split(/\s+/);
  if (fields.length === 5) fields.unshift('0');
  if (fields.length !== 6) return undefined;
  const [second, minute, hour, day, month, weekday] = fields as [string, string, string, string, string, string];
  return {
    seconds: parseField('second', second, 0, 59),
    minutes: parseField('minute', minute, 0, 59),
    hours: parseField('hour', hour, 0, 23),
    days: parseField('day', day, 1, 31),
    months: parseField('month', month, 1, 12, monthNames),
    weekdays: parseField('weekday', weekday, 0, 6, dayNames),
  };
}

function parseField(field: string, text: string, min: number, max: number, names: string[] = []): number[] {
  const toNumber = (part: string): number => {
    const named = /^[a-z]+$/i.test(part) ? names.findIndex(name => name.startsWith(part.toLowerCase())) : -1;
    const value = named >= 0 ? named + min : /^\d+$/.test(part) ? Number(part) : Number.NaN;
    if (!(value >= min && value <= max)) {
      throw new Error(`'${part}' in the ${field} field must be between ${min} and ${max}.`);
    }
    return value;
  };
  const allowed = new Set<number>();
  for (const item of text.split(',')) {
    const [range = '', stepText, ...more] = item.split('/');
    const step = stepText === undefined ? 1 : Number(stepText);
    if (more.length > 0 || !Number.isInteger(step) || step < 1)
      throw new Error(`'${item}' in the ${field} field is invalid.`);
    let [from, to] = [min, max];
    if (range !== '*') {
      const [first = '', last] = range.split('-');
      from = toNumber(first);
      to = last === undefined ? (stepText === undefined ? from : max) : toNumber(last);
      if (from > to) [from, to] = [to, from]; // NCrontab swaps the ends, it does not wrap round
    }
    for (let value = from; value <= to; value += step) allowed.add(value);
  }
  return [...allowed].sort((a, b) => a - b);
}

/**
 * Finds the first time after `after` that the expression allows, in UTC. Day and weekday must both fit (unlike Unix
 * cron, where either will do).
 * @param after milliseconds since the epoch.
 * @returns milliseconds since the epoch; undefined when no such time comes within eight years.
 */
export function nextCronTime(cron: Cron, after: number): number | undefined {
  const at = new Date(Math.floor(after / 1000) * 1000 + 1000);
  const lastYear = at.getUTCFullYear() + 8;
  while (at.getUTCFullYear() <= lastYear) {
    if (!cron.months.includes(at.getUTCMonth() + 1)) {
      at.setUTCMonth(at.getUTCMonth() + 1, 1);
      at.setUTCHours(0, 0, 0);
    } else if (!cron.days.includes(at.getUTCDate()) || !cron.weekdays.includes(at.getUTCDay())) {
      at.setUTCDate(at.getUTCDate() + 1);
      at.setUTCHours(0, 0, 0);
    } else if (!cron.hours.includes(at.getUTCHours())) at.setUTCHours(at.getUTCHours() + 1, 0, 0);
    else if (!cron.minutes.includes(at.getUTCMinutes())) at.setUTCMinutes(at.getUTCMinutes() + 1, 0);
    else if (!cron.seconds.includes(at.getUTCSeconds())) at.setUTCSeconds(at.getUTCSeconds() + 1);
    else return at.getTime();
  }
  return undefined;
}
