import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const SOURCES = ['functions', 'shared', 'scripts/build.ts', 'scripts/build-dashboard.ts', 'package.json'];

/**
 * Builds the app, when a source is newer than the bundle: a second saved, and a host that runs on the same dist/ keeps the
 * chunks that it has yet to load.
 * @throws Error with the bundler's output when it does not build.
 */
export async function buildWhenChanged(root: string): Promise<void> {
  const builtAtMs = await changedAtMs(join(root, 'dist', 'main.js'));
  const changes = await Promise.all(SOURCES.map(source => newestAtMs(join(root, source))));
  if (builtAtMs > Math.max(...changes)) return;
  try {
    await promisify(execFile)(process.execPath, [join('scripts', 'build.ts')], { cwd: root });
  } catch (error) {
    const output = (error as { stderr?: string }).stderr?.trim();
    throw new Error(`The app does not build.\n${output || String(error)}`, { cause: error });
  }
}

async function newestAtMs(path: string): Promise<number> {
  const own = await stat(path).catch(() => undefined);
  if (!own?.isDirectory()) return own?.mtimeMs ?? 0;
  const inside = await Promise.all((await readdir(path)).map(name => newestAtMs(join(path, name))));
  // The folder's own time tells of a file that was deleted or renamed.
  return Math.max(own.mtimeMs, ...inside);
}

const changedAtMs = async (path: string): Promise<number> => (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
