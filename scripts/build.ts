import { rm } from 'node:fs/promises';
import { build } from 'esbuild';
import { buildDashboard } from './build-dashboard.ts';

/**
 * Bundles the app into dist/: one entry, and chunks that load when a function first needs them. The worker supplies
 * `@azure/functions-core` itself, by patching `require`; hence the banner, which gives ESM a require to patch.
 * The dashboard's page is in there as a text.
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
    define: { DASHBOARD_PAGE: JSON.stringify(await buildDashboard()) },
    logLevel: 'warning',
    metafile: false,
  });
}

if (import.meta.main) await buildApp();
