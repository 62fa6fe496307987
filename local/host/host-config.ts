import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseTimeSpan } from './time-span.ts';

/** `extensions.queues` of host.json; times in milliseconds. Defaults and ranges as in the storage extension 5.x. */
export type QueueOptions = {
  /** Messages fetched at once, 1 to 32. Default 16. */
  batchSize: number;
  /** The next batch is fetched when no more than this many are being worked on. Default cores × batchSize / 2. */
  newBatchThreshold: number;
  /** Runs before a message goes to the poison queue, at least 1. Default 5. */
  maxDequeueCount: number;
  /** How long a message stays hidden after a failed run. Default 0. */
  visibilityTimeoutMs: number;
  /** Longest wait between two polls of an empty queue, at least 100. Default 60 000. */
  maxPollingIntervalMs: number;
  messageEncoding: 'base64' | 'none';
};

export type HostConfig = {
  /** First part of every function's URL, without slashes; may be empty. Default `api`. */
  routePrefix: string;
  queues: QueueOptions;
  /** Longest run of one invocation; undefined = unlimited. Default 30 minutes (Flex Consumption). */
  functionTimeoutMs: number | undefined;
  logLevel: Record<string, string>;
};

type Json = Record<string, unknown>;

/**
 * Reads host.json of the app in `root` and lays settings named `AzureFunctionsJobHost__a__b` over it.
 * https://learn.microsoft.com/azure/azure-functions/functions-host-json#override-hostjson-values
 * @throws Error naming the file or the value that cannot be used.
 */
export async function readHostConfig(root: string, env: NodeJS.ProcessEnv): Promise<HostConfig> {
  const file = join(root, 'host.json');
  const text = await readFile(file, 'utf8').catch(error => {
    throw new Error(`Cannot read ${file}: a function app needs a host.json in its root folder.`, { cause: error });
  });
  let json: Json;
  try {
    json = JSON.parse(text) as Json;
  } catch (error) {
    throw new Error(`${file} is not valid JSON: ${(error as Error).message}`, { cause: error });
  }
  for (const [name, value] of Object.entries(env)) {
    const path = name.split('__');
    if (path[0] === 'AzureFunctionsJobHost' && path.length > 1 && value !== undefined) set(json, path.slice(1), value);
  }
  return toConfig(json);
}

function toConfig(json: Json): HostConfig {
  const queues = section(json, 'extensions', 'queues');
  const batchSize = integer(queues, 'batchSize', 16, 1, 32);
  const encoding = String(get(queues, 'messageEncoding') ?? 'base64').toLowerCase();
  if (encoding !== 'base64' && encoding !== 'none') throw new Error(`messageEncoding "${encoding}" is unknown.`);
  const timeout = String(get(json, 'functionTimeout') ?? '00:30:00');
  return {
    routePrefix: String(get(section(json, 'extensions', 'http'), 'routePrefix') ?? 'api').replaceAll(/^\/+|\/+$/g, ''),
    queues: {
      batchSize,
      newBatchThreshold: integer(queues, 'newBatchThreshold', Math.floor(batchSize / 2) * availableParallelism(), 0),
      maxDequeueCount: integer(queues, 'maxDequeueCount', 5, 1),
      visibilityTimeoutMs: span(queues, 'visibilityTimeout', '00:00:00', 0),
      maxPollingIntervalMs: span(queues, 'maxPollingInterval', '00:01:00', 100),
      messageEncoding: encoding,
    },
    functionTimeoutMs: timeout === '-1' ? undefined : span({ functionTimeout: timeout }, 'functionTimeout', timeout, 1),
    logLevel: Object.fromEntries(
      Object.entries(section(json, 'logging', 'logLevel')).map(([key, value]) => [key, String(value)]),
    ),
  };
}

/** Configuration keys do not distinguish case. */
function findKey(json: Json, name: string): string | undefined {
  return Object.keys(json).find(key => key.toLowerCase() === name.toLowerCase());
}

function get(json: Json, name: string): unknown {
  const key = findKey(json, name);
  return key === undefined ? undefined : json[key];
}

function section(json: Json, ...path: string[]): Json {
  return path.reduce<Json>((at, name) => (get(at, name) ?? {}) as Json, json);
}

function set(json: Json, path: string[], value: string): void {
  const [name, ...rest] = path as [string, ...string[]];
  const key = findKey(json, name) ?? name;
  if (rest.length === 0) json[key] = value;
  else {
    if (typeof json[key] !== 'object' || json[key] === null) json[key] = {};
    set(json[key] as Json, rest, value);
  }
}

function integer(json: Json, name: string, fallback: number, min: number, max = Number.MAX_SAFE_INTEGER): number {
  const value = Number(get(json, name) ?? fallback);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new Error(`host.json: ${name} must be a whole number from ${min}${max < 1e9 ? ` to ${max}` : ''}.`);
  }
  return value;
}

function span(json: Json, name: string, fallback: string, minMs: number): number {
  const ms = parseTimeSpan(String(get(json, name) ?? fallback));
  if (ms === undefined || ms < minMs) throw new Error(`host.json: ${name} must be hh:mm:ss and at least ${minMs} ms.`);
  return ms;
}
