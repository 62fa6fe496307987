import { rm } from 'node:fs/promises';
import { build } from 'esbuild';

/**
 * Bundles the app into dist/: one entry, and chunks that load when a function first needs them. The worker supplies
 * `@azure/functions-core` itself, by patching `require`; hence the banner, which gives ESM a require to patch.
 */
export async function buildApp(outdir = 'dist'): Promise<void> {
  await rm(outdir, { recursive: true, force: true });
  await build({
    entryPoints: ['functions/main.ts'],
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    minify: true,
    sourcemap: 'external',
    sourcesContent: false,
    legalComments: 'none',
    external: ['@azure/functions-core'],
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    logLevel: 'warning',
    metafile: false,
  });
}

if (import.meta.main) await buildApp();
