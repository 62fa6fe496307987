import type { Pipeline } from '@azure/core-rest-pipeline';
import { loadOnceEach } from '../../domain/load-once.ts';
import { azureCredential } from '../azure-credential.ts';
import { callVault, clientOptions, type VaultConfig } from './vault-call.ts';

const API_VERSION = '7.5';

export interface VaultAnswer {
  readonly status: number;
  /** The JSON object of the answer; empty without one. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** @param path below the vault, or the whole address of a following page */
type VaultRest = (
  operation: string,
  method: 'GET' | 'POST' | 'PATCH',
  path: string,
  options?: {
    readonly body?: object;
    /** Statuses that are an answer and no fault. */
    readonly accept?: readonly number[];
  },
) => Promise<VaultAnswer>;

/** Calls of the vault's REST API with the SDK's own pipeline: its retries, its connections. Faults are ServiceFailure, see `callVault`. */
export function vaultRest(config: VaultConfig): VaultRest {
  const pipelineOf = loadOnceEach((isRepeated: boolean) => makePipeline(config, isRepeated));
  return (operation, method, path, { body, accept = [] } = {}) =>
    callVault(operation, async ({ abortSignal }) => {
      const { createDefaultHttpClient, createHttpHeaders, createPipelineRequest } = await import(
        '@azure/core-rest-pipeline'
      );
      // A creation whose answer is lost is not sent again: it would make a second version.
      const pipeline = await pipelineOf(method !== 'POST');
      const url = new URL(path, `${config.url}/`);
      // A link to the next page is the vault's own, and still no reason to take the token elsewhere.
      if (url.origin !== new URL(config.url).origin) throw new Error('the vault names a page on another host');
      if (!url.searchParams.has('api-version')) url.searchParams.set('api-version', API_VERSION);
      const response = await pipeline.sendRequest(
        createDefaultHttpClient(),
        createPipelineRequest({
          method,
          url: url.href,
          abortSignal,
          headers: createHttpHeaders({ Accept: 'application/json', 'Content-Type': 'application/json' }),
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
      );
      const answer = readJson(response.bodyAsText);
      if (response.status < 300 || accept.includes(response.status)) return { status: response.status, body: answer };
      const error = (answer['error'] ?? {}) as { code?: unknown; message?: unknown };
      throw Object.assign(new Error(String(error.message ?? `status ${response.status}`)), {
        statusCode: response.status,
        code: error.code,
      });
    });
}

async function makePipeline(config: VaultConfig, isRepeated: boolean): Promise<Pipeline> {
  const { bearerTokenAuthenticationPolicy, createPipelineFromOptions } = await import('@azure/core-rest-pipeline');
  const { retryOptions = {}, additionalPolicies = [] } = clientOptions(config);
  const pipeline = createPipelineFromOptions({ retryOptions: isRepeated ? retryOptions : { maxRetries: 0 } });
  for (const { policy } of additionalPolicies) pipeline.addPolicy(policy, { afterPhase: 'Retry' });
  pipeline.addPolicy(
    bearerTokenAuthenticationPolicy({
      credential: await azureCredential(config.clientId),
      scopes: `https://${audienceOf(config.url)}/.default`,
    }),
    { afterPhase: 'Retry' },
  );
  return pipeline;
}

/** The vaults' domain of the cloud; a vault under another name is taken for one of the public cloud. */
function audienceOf(url: string): string {
  const host = new URL(url).hostname;
  return ['vault.azure.cn', 'vault.usgovcloudapi.net'].find(domain => host.endsWith(`.${domain}`)) ?? 'vault.azure.net';
}

function readJson(text: string | null | undefined): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text ?? '') as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}
