import { createHash } from 'node:crypto';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { archivesOf } from './package-files.ts';
import { stageApp } from './package-stage.ts';

/**
 * Makes the deployment package `exosend.zip`, and `exosend-maps.zip` with its source maps, in out/ or the folder that
 * `--out` names. The same commit gives the same bytes, so two people can compare what they deploy by its SHA-256.
 * With `--unpacked` the package lies beside them as the folder app/, too: azd packs a folder of its own accord.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: { out: { type: 'string', default: join(root, 'out') }, unpacked: { type: 'boolean', default: false } },
});
const out = resolve(values.out);
// The bundler takes its entry point from the current folder.
process.chdir(root);

const staged = await stageApp(root);
try {
  const { app, maps } = await archivesOf(staged.folder);
  await mkdir(out, { recursive: true });
  await write('exosend.zip', app);
  await write('exosend-maps.zip', maps);
  if (values.unpacked) {
    await rm(join(out, 'app'), { recursive: true, force: true });
    await cp(staged.folder, join(out, 'app'), { recursive: true, filter: path => !path.endsWith('.map') });
  }
} finally {
  await staged.remove();
}

async function write(name: string, bytes: Buffer): Promise<void> {
  await writeFile(join(out, name), bytes);
  const digest = createHash('sha256').update(bytes).digest('hex');
  process.stdout.write(`${name}  ${bytes.length.toLocaleString('en')} bytes  sha256 ${digest}\n`);
}
