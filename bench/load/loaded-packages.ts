import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** What an HTTP call that accepts a mail has no use for; by a piece of the source's path. */
const ONLY_FOR_DELIVERY: Readonly<Record<string, RegExp>> = {
  SMTP: /\/nodemailer\/dist\/esm\/smtp-(connection|pool|transport)\//,
  MSAL: /\/@azure\/msal-[\w-]+\//,
  'Key Vault': /\/@azure\/keyvault-[\w-]+\//,
  identity: /\/@azure\/identity\//,
  'node-forge': /\/node-forge\//,
};

export interface LoadedChunks {
  readonly count: number;
  readonly bytes: number;
  /** Names of ONLY_FOR_DELIVERY that stand in one of the chunks. */
  readonly unwanted: readonly string[];
}

/** Which packages stand in the chunks of `dist` that were loaded, by the source map beside each. */
export async function loadedChunks(urls: readonly string[], dist: string): Promise<LoadedChunks> {
  const files = [...new Set(urls)]
    .filter(url => url.startsWith('file:'))
    .map(url => fileURLToPath(url))
    .filter(path => path.startsWith(dist));
  if (files.length === 0) throw new Error(`No module of ${dist} was loaded.`);
  let bytes = 0;
  const unwanted = new Set<string>();
  for (const file of files) {
    bytes += (await stat(file)).size;
    const { sources } = JSON.parse(await readFile(`${file}.map`, 'utf8')) as { sources: string[] };
    for (const [name, pattern] of Object.entries(ONLY_FOR_DELIVERY)) {
      if (sources.some(source => pattern.test(source))) unwanted.add(name);
    }
  }
  return { count: files.length, bytes, unwanted: [...unwanted] };
}

/** Throws unless the sources of all chunks together name everything above: the patterns must fit what they look for. */
export async function checkPatterns(maps: readonly string[]): Promise<void> {
  const sources = (await Promise.all(maps.map(map => readFile(map, 'utf8')))).join('\n');
  for (const [name, pattern] of Object.entries(ONLY_FOR_DELIVERY)) {
    if (!pattern.test(sources))
      throw new Error(`No chunk holds ${name}: the bench looks for something that has moved.`);
  }
}
