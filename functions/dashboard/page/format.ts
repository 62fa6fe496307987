const SECOND = 1;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min`;
  const [big, small, ofBig, ofSmall] =
    whole < DAY ? (['h', 'min', HOUR, MINUTE] as const) : (['d', 'h', DAY, HOUR] as const);
  const rest = Math.floor((whole % ofBig) / ofSmall);
  return `${Math.floor(whole / ofBig)} ${big}${rest > 0 ? ` ${rest} ${small}` : ''}`;
}

/** `12 min ago`, `in 12 min`, `just now`. */
export function agoText(iso: string, nowMs: number): string {
  const seconds = (nowMs - Date.parse(iso)) / 1000;
  if (Number.isNaN(seconds)) return '';
  if (Math.abs(seconds) < 5) return 'just now';
  return seconds > 0 ? `${durationText(seconds)} ago` : `in ${durationText(-seconds)}`;
}

/** The reader's own time: `14:05` today, `20 Nov, 14:05` otherwise. */
export function timeText(iso: string, nowMs: number): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const time = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  if (date.toDateString() === new Date(nowMs).toDateString()) return time;
  return `${date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })}, ${time}`;
}

/** `2 Feb 2027` */
export function dateText(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime())
    ? iso
    : date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
}

/** `8 ms`, `412 ms`, `1.3 s` */
export function msText(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

/** `100 %`, `99.3 %`. Never rounded up to 100: that would hide a failure. */
export function percentText(ratio: number): string {
  if (ratio === 1) return '100 %';
  return `${Math.floor(ratio * 1000) / 10} %`;
}

/** `1 message`, `3 messages` */
export function countText(count: number, one: string, many = `${one}s`): string {
  return `${numberText(count)} ${count === 1 ? one : many}`;
}

export function numberText(count: number): string {
  return count.toLocaleString('en');
}

/** A message id out of what somebody pasted: the id itself, or an address that ends with it. Undefined when there is none. */
export function messageIdIn(text: string): string | undefined {
  return /(?:^|[/\s"'<])([0-7][0-9A-HJKMNP-TV-Z]{25})(?:$|[/?#\s"'>])/i.exec(text.trim())?.[1]?.toUpperCase();
}

/** `an hour` of text for a list: `a, b and c`. */
export function listText(parts: readonly string[]): string {
  return parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}
