import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { type ZipEntry, zipOf } from './package-zip.ts';

/** The two archives of a staged app. */
interface Archives {
  /** What goes to Azure: dist/ without source maps, host.json, package.json. */
  readonly app: Buffer;
  /** The source maps, to be kept where stack traces are read. */
  readonly maps: Buffer;
}

export async function archivesOf(folder: string): Promise<Archives> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const entries = await Promise.all(
    found
      .filter(entry => entry.isFile())
      .map(async ({ parentPath, name }): Promise<ZipEntry> => {
        const path = join(parentPath, name);
        return { name: relative(folder, path).split(sep).join('/'), bytes: await readFile(path) };
      }),
  );
  const isMap = (entry: ZipEntry) => entry.name.endsWith('.map');
  return { app: zipOf(entries.filter(entry => !isMap(entry))), maps: zipOf(entries.filter(isMap)) };
}
