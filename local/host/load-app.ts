import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type AppContext, runInApp } from './app-context.ts';
import { installCoreApi } from './core-api.ts';
import { executeHooks, hookContext } from './hooks.ts';
import { toError } from './worker-errors.ts';

// What the worker offers before the library adds to it; the host shapes its messages by these.
const defaultCapabilities = {
  RawHttpBodyBytes: 'true',
  RpcHttpTriggerMetadataRemoved: 'true',
  RpcHttpBodyOnly: 'true',
  IgnoreEmptyValuedRpcHttpHeaders: 'true',
  UseNullableValueDictionaryForHttp: 'true',
  WorkerStatus: 'true',
  TypedDataCollection: 'true',
  HandlesWorkerTerminateMessage: 'true',
};

let loads = 0;

/**
 * Does what the Node worker does at start: loads every file that `main` of package.json matches, one after the other,
 * runs the appStart hooks, asks the programming model for its capabilities (which ends `app.setup` and, with
 * streaming, opens the library's own HTTP server) and closes registration.
 * @returns the capabilities; `HttpUri` is there when the app streams HTTP.
 * @throws Error when nothing matches, a file throws, or a hook throws.
 */
export async function loadApp(app: AppContext): Promise<Record<string, string>> {
  installCoreApi();
  const packageJson = await readPackageJson(app.root);
  await runInApp(app, () => loadEntryPoints(app, packageJson));
  return runInApp(app, async () => {
    const context = hookContext(
      { functionAppDirectory: app.root },
      { hookData: app.appLevelHookData, appHookData: app.appHookData },
    );
    await executeHooks(app, 'appStart', context);
    const capabilities = { ...defaultCapabilities };
    const result = (await app.programmingModel?.getCapabilities?.(capabilities)) ?? capabilities;
    app.locked = true;
    return result;
  });
}

type PackageJson = { main?: string; type?: string };

async function readPackageJson(root: string): Promise<PackageJson> {
  try {
    return JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as PackageJson;
  } catch (error) {
    throw new Error(`Worker failed to load package.json: ${toError(error).message}`, { cause: error });
  }
}

async function loadEntryPoints(app: AppContext, packageJson: PackageJson): Promise<void> {
  const pattern = packageJson.main;
  if (!pattern) return;
  let current = pattern;
  // A second start in one process must load the app anew, and import() remembers what it has loaded.
  const suffix = loads++ === 0 ? '' : `?start=${loads}`;
  try {
    const files = globSync(pattern, { cwd: app.root }).sort();
    if (files.length === 0) {
      throw new Error(
        /[*?{[]/.test(pattern) ? 'Found zero files matching the supplied pattern' : 'File does not exist',
      );
    }
    for (const file of files) {
      current = file;
      const path = join(app.root, file);
      if (isEsModule(file, packageJson)) await import(`${pathToFileURL(path).href}${suffix}`);
      else {
        const require = createRequire(path);
        delete require.cache[path];
        require(path);
      }
    }
  } catch (thrown) {
    const error = toError(thrown);
    throw new Error(`Worker was unable to load entry point "${current}": ${error.message}`, { cause: error });
  }
}

function isEsModule(file: string, packageJson: PackageJson): boolean {
  if (file.endsWith('.mjs')) return true;
  return !file.endsWith('.cjs') && packageJson.type === 'module';
}
