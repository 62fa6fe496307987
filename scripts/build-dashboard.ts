import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const PAGE = fileURLToPath(new URL('../functions/dashboard/page/', import.meta.url));

/** The dashboard as one file: its shell with style and script inside, nothing loaded from elsewhere. */
export async function buildDashboard(): Promise<string> {
  const [shell, script, style] = await Promise.all([
    readFile(`${PAGE}index.html`, 'utf8'),
    bundled('main.ts'),
    bundled('style.css'),
  ]);
  // As functions: a text may hold `$&`, which a replacement string would take for a command.
  return shell
    .replace('<style></style>', () => `<style>${style}</style>`)
    .replace('<script></script>', () => `<script>${script}</script>`);
}

async function bundled(file: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [`${PAGE}${file}`],
    bundle: true,
    format: 'iife',
    platform: 'browser',
    target: ['es2023', 'chrome120', 'firefox121', 'safari17'],
    minify: true,
    legalComments: 'none',
    charset: 'utf8',
    write: false,
    logLevel: 'warning',
  });
  return (outputFiles[0]?.text ?? '').trim();
}
