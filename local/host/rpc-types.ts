/**
 * The shapes that pass between host and Node worker, as far as this host uses them. Field names follow the protobuf
 * contract: https://github.com/Azure/azure-functions-language-worker-protobuf
 */

/** One value; exactly one member is set. `json` is JSON text, `bytes` raw bytes. */
export type TypedData = {
  string?: string;
  json?: string;
  bytes?: Uint8Array;
  int?: number;
  double?: number;
  http?: HttpData;
};

export type NullableString = { value: string };

/** A request on the way in (method, url, nullable*), an answer on the way out (statusCode, headers, cookies). */
export type HttpData = {
  method?: string;
  url?: string;
  nullableHeaders?: Record<string, NullableString>;
  nullableQuery?: Record<string, NullableString>;
  nullableParams?: Record<string, NullableString>;
  body?: TypedData | null;
  statusCode?: string | null;
  headers?: Record<string, string> | null;
  cookies?: RpcCookie[] | null;
};

type Nullable<T> = { value?: T | null } | null | undefined;

export type RpcCookie = {
  name?: string | null;
  value?: string | null;
  domain?: Nullable<string>;
  path?: Nullable<string>;
  /** Point in time; `seconds` since the epoch. */
  expires?: Nullable<{ seconds?: number | null; nanos?: number | null }>;
  secure?: Nullable<boolean>;
  httpOnly?: Nullable<boolean>;
  sameSite?: 'none' | 'lax' | 'strict' | 'explicitNone' | null;
  /** Seconds. */
  maxAge?: Nullable<number>;
};

type TraceContext = { traceParent: string; traceState: string; attributes: Record<string, string> };

export type InvocationRequest = {
  invocationId: string;
  functionId: string;
  inputData: { name: string; data: TypedData }[];
  triggerMetadata: Record<string, TypedData>;
  traceContext: TraceContext;
};

export type InvocationResponse = {
  invocationId?: string | null;
  outputData?: { name?: string | null; data?: TypedData | null }[] | null;
  returnValue?: TypedData | null;
};

/** A trigger, input or output as the library registers it; members beyond these belong to the kind of binding. */
export type Binding = { type: string; direction: 'in' | 'out' | 'inout'; [member: string]: unknown };

export type FunctionMetadata = { name: string; functionId?: string; bindings: Record<string, Binding> };

export type FunctionCallback = (...args: unknown[]) => unknown;

export type LogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';

/** `user` lines come from the app's own code, all others from library and host. */
export type LogCategory = 'user' | 'system' | 'customMetric';

type InvocationState = 'preInvocationHooks' | 'invocation' | 'postInvocationHooks';

export type CoreInvocationContext = {
  invocationId: string;
  request: InvocationRequest;
  metadata: FunctionMetadata;
  state: InvocationState | undefined;
  log: (level: LogLevel, category: LogCategory, message: string) => void;
};

type InvocationModel = {
  getArguments: () => Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction: (context: unknown, inputs: unknown[], callback: FunctionCallback) => Promise<unknown>;
  getResponse: (context: unknown, result: unknown) => Promise<InvocationResponse>;
};

export type ProgrammingModel = {
  name: string;
  version: string;
  getInvocationModel: (context: CoreInvocationContext) => InvocationModel | Promise<InvocationModel>;
  getCapabilities?: (defaults: Record<string, string>) => Promise<Record<string, string>> | Record<string, string>;
};
