import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildApp } from './build.ts';

/** A freshly built app in a folder of its own: dist/ with its source maps, host.json and package.json. */
export interface StagedApp {
  readonly folder: string;
  remove(): Promise<void>;
}

/**
 * Builds the app below `<root>/out` and beside whatever runs on dist/. `root` is the project and the current folder.
 *
 * The folder's name is new each time, its depth is not: esbuild hashes the way from a chunk to its sources into the
 * chunk's name, so a build elsewhere would have other file names.
 */
export async function stageApp(root: string): Promise<StagedApp> {
  const out = join(root, 'out');
  await mkdir(out, { recursive: true });
  const folder = await mkdtemp(join(out, 'stage-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await buildApp(join(folder, 'dist'));
    await writeFile(join(folder, 'host.json'), await readFile(join(root, 'host.json')));
    await writeFile(join(folder, 'package.json'), await deployedManifest(root));
    return { folder, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** What the worker reads of package.json, and no dependencies: everything is in the bundle. */
async function deployedManifest(root: string): Promise<string> {
  const { name, version, type, main } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  return `${JSON.stringify({ name, version, type, main }, undefined, 2)}\n`;
}
