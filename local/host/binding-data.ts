import type { TypedData } from './rpc-types.ts';

/**
 * The names under which a trigger's parts are known to bindings. The host keeps them without regard to case: a later
 * name replaces the value of an earlier one that differs only in case, while the earlier spelling stays.
 */
type BindingData = {
  /** Text is sent as `string`, an object as `json`. */
  set: (name: string, value: string | object) => void;
  /** Sends any value as `json`: what is no text in .NET, such as numbers and dates. */
  setJson: (name: string, value: unknown) => void;
  has: (name: string) => boolean;
  toRpc: () => Record<string, TypedData>;
};

export function createBindingData(): BindingData {
  const entries = new Map<string, { name: string; data: TypedData }>();
  const put = (name: string, data: TypedData) => {
    const key = name.toLowerCase();
    entries.set(key, { name: entries.get(key)?.name ?? name, data });
  };
  return {
    set: (name, value) => put(name, typeof value === 'string' ? { string: value } : { json: JSON.stringify(value) }),
    setJson: (name, value) => put(name, { json: JSON.stringify(value) }),
    has: name => entries.has(name.toLowerCase()),
    toRpc: () => Object.fromEntries([...entries.values()].map(({ name, data }) => [name, data])),
  };
}

/**
 * Adds the members of a JSON object, as the host does for HTTP bodies and queue messages: objects as they are, other
 * values as text, arrays and nulls not at all. Text that is no JSON object adds nothing.
 */
export function addJsonMembers(data: BindingData, text: string): void {
  // Cheap test first: bodies can be large and most are not JSON objects.
  if (!/^\s*\{/.test(text.slice(0, 256)) || !/\}\s*$/.test(text.slice(-256))) return;
  try {
    const parsed = JSON.parse(text) as Record<string, unknown>;
    for (const [name, value] of Object.entries(parsed)) {
      if (value === null || Array.isArray(value)) continue;
      data.set(name, typeof value === 'object' ? value : toText(value));
    }
  } catch {
    // No JSON, or nested too deep to be written again: .NET's reader stops at a depth of 64.
  }
}

/** .NET's text of a JSON value: `True`, and dates rewritten because its JSON reader takes them for dates. */
function toText(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value !== 'string') return String(value);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$/.test(value)) return value;
  const at = Date.parse(/[Zz]|[+-]\d\d:\d\d$/.test(value) ? value : `${value}Z`);
  if (Number.isNaN(at)) return value;
  const [date = '', time = ''] = new Date(at).toISOString().split(/[T.]/);
  const [year, month, day] = date.split('-');
  return `${month}/${day}/${year} ${time}`;
}
