import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openApiDocument } from '../../functions/openapi/document.ts';
import { createAppContext, runInApp } from '../../local/host/app-context.ts';
import { installCoreApi } from '../../local/host/core-api.ts';

/** `get /messages/{id}` → name and auth level, as the app registers its functions with the host. */
async function registeredRoutes(): Promise<Map<string, { name: string; authLevel: string }>> {
  installCoreApi();
  const app = createAppContext(process.cwd(), () => {});
  await runInApp(app, () => import('../../functions/main.ts'));
  const routes = new Map<string, { name: string; authLevel: string }>();
  for (const { metadata } of app.functions.values()) {
    const trigger = Object.values(metadata.bindings).find(({ type }) => type === 'httpTrigger') as
      | { route: string; methods: string[]; authLevel: string }
      | undefined;
    for (const method of trigger?.methods ?? [])
      routes.set(`${method.toLowerCase()} /${trigger?.route}`, {
        name: metadata.name,
        authLevel: trigger?.authLevel ?? '',
      });
  }
  return routes;
}

test('every HTTP function is an operation of the same name, and every operation a function', async () => {
  const { paths, security } = openApiDocument();
  const told = new Map(
    Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => [
        `${method} ${path}`,
        {
          name: operation.operationId,
          authLevel: (operation.security ?? security).length > 0 ? 'function' : 'anonymous',
        },
      ]),
    ),
  );
  const registered = await registeredRoutes();
  assert.ok(registered.size > 0);
  assert.deepEqual(Object.fromEntries([...told].sort()), Object.fromEntries([...registered].sort()));
});
