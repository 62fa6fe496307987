import { glob, readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { type ZipEntry, zipOf } from './package-zip.ts';

/** The two archives of a staged app. */
export interface Archives {
  /** What goes to Azure: dist/ without source maps, host.json, package.json. */
  readonly app: Buffer;
  /** The source maps, to be kept where stack traces are read. */
  readonly maps: Buffer;
}

export async function archivesOf(folder: string): Promise<Archives> {
  const entries: ZipEntry[] = [];
  for await (const path of glob('{host.json,package.json,dist/**/*.{js,map}}', { cwd: folder })) {
    entries.push({ name: path.split(sep).join('/'), bytes: await readFile(join(folder, path)) });
  }
  const isMap = (entry: ZipEntry) => entry.name.endsWith('.map');
  return { app: zipOf(entries.filter(entry => !isMap(entry))), maps: zipOf(entries.filter(isMap)) };
}
