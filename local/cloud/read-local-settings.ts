import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * `Values` of local.settings.json, where `func start` reads app settings from; empty without the file.
 * @throws Error when the file is not what it should be; never shows a value of it.
 */
export async function readLocalSettings(root: string): Promise<Record<string, string>> {
  const file = join(root, 'local.settings.json');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    // The parser's message quotes the text around the fault, which may be a secret.
    throw new Error('local.settings.json is not valid JSON. Compare it with local.settings.sample.json.');
  }
  const { IsEncrypted, Values } = (json ?? {}) as { IsEncrypted?: unknown; Values?: unknown };
  if (IsEncrypted === true) {
    throw new Error('local.settings.json is encrypted. Run "func settings decrypt", or move it away.');
  }
  const entries = Object.entries(typeof Values === 'object' && Values !== null ? Values : {});
  const wrong = entries.filter(([, value]) => typeof value === 'object').map(([name]) => name);
  if (wrong.length > 0)
    throw new Error(`local.settings.json: ${wrong.join(', ')} must be text, also where it holds JSON.`);
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}
