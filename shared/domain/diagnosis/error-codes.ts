import { catalogue } from './catalogue.ts';

const known: ReadonlySet<string> = new Set(
  catalogue.flatMap(entry =>
    entry.matches.flatMap(matcher => (matcher.errorCodes ?? []).map(code => code.toUpperCase())),
  ),
);

/** Whether a word is an error code of the catalogue, or any number of Entra ID. Case does not count. */
export function isKnownErrorCode(word: string): boolean {
  const code = word.toUpperCase();
  return known.has(code) || /^AADSTS\d{4,8}$/.test(code);
}
