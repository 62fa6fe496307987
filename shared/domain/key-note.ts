/** How far a version has got at one app registration. */
export type KeyState =
  /** addKey is about to be called, or was, and its answer was lost. */
  | 'adding'
  /** Microsoft Graph has taken it. */
  | 'added'
  /** Entra ID gives tokens for it. */
  | 'accepted'
  /** Its key has been taken away. */
  | 'removed';

/** What is kept of a version and an app: as a tag of the version in Key Vault, and nowhere else. */
export interface KeyNote {
  readonly state: KeyState;
  /** Since when, ms since 1970; kept to the second. */
  readonly atMs: number;
  /** The key's id in Entra ID; unknown for one that an admin has registered. */
  readonly keyId?: string;
}

type Tags = Readonly<Record<string, string>>;
const STATES: readonly string[] = ['adding', 'added', 'accepted', 'removed'] satisfies KeyState[];

/** The note on an app in the tags of a version; undefined when there is none, or none that makes sense. */
export function noteOf(tags: Tags, clientId: string): KeyNote | undefined {
  const [state = '', at = '', keyId = ''] = (tags[tagName(clientId)] ?? '').split(' ');
  const atMs = Date.parse(at);
  if (!STATES.includes(state) || Number.isNaN(atMs)) return undefined;
  return { state: state as KeyState, atMs, ...(keyId === '' ? {} : { keyId }) };
}

/** The tags with another note on an app; the other tags stay, whoever set them. Undefined takes the note away. */
export function withNote(tags: Tags, clientId: string, note: KeyNote | undefined): Tags {
  const { [tagName(clientId)]: _old, ...rest } = tags;
  if (!note) return rest;
  const at = `${new Date(note.atMs).toISOString().slice(0, 19)}Z`;
  return { ...rest, [tagName(clientId)]: [note.state, at, note.keyId].filter(Boolean).join(' ') };
}

const tagName = (clientId: string): string => `exosend-${clientId.toLowerCase()}`;
