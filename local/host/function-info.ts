import type { RegisteredFunction } from './app-context.ts';
import type { Binding } from './rpc-types.ts';

/** A registered function together with its trigger, as host and listeners need it. */
export type FunctionInfo = {
  name: string;
  registered: RegisteredFunction;
  /** Name of the trigger's binding; the input has to be sent under it. */
  triggerName: string;
  trigger: Binding;
};

/** What the ready line and `GET /admin/functions` say about a function. */
export type FunctionSummary = {
  name: string;
  trigger: string;
  /** HTTP only: `api/messages/{id}`. */
  route?: string;
  methods?: string[];
  authLevel?: string;
  isDisabled?: boolean;
  /** Why the function could not be started; the others run all the same. */
  error?: string;
};

/**
 * Finds a function's trigger among its bindings.
 * @throws Error for a function without trigger, or with bindings this host does not serve.
 */
export function toFunctionInfo(registered: RegisteredFunction): FunctionInfo {
  const { name, bindings } = registered.metadata;
  if (!/^[a-z][a-z0-9_-]{0,127}$/i.test(name)) throw new Error(`'${name}' is not a valid function name.`);
  const entries = Object.entries(bindings);
  const found = entries.find(([, binding]) => binding.type.toLowerCase().endsWith('trigger'));
  if (!found) throw new Error('No trigger binding.');
  const [triggerName, trigger] = found;
  if (!['httptrigger', 'queuetrigger', 'timertrigger'].includes(trigger.type.toLowerCase())) {
    throw new Error(`The local host has no ${trigger.type}; it serves HTTP, queue and timer triggers.`);
  }
  const other = entries.find(([, binding]) => binding !== trigger && binding.type.toLowerCase() !== 'http');
  if (other) throw new Error(`The local host has no ${other[1].type} bindings beside the trigger.`);
  return { name, registered, triggerName, trigger };
}

export function isTriggeredBy(info: FunctionInfo, type: 'httpTrigger' | 'queueTrigger' | 'timerTrigger'): boolean {
  return info.trigger.type.toLowerCase() === type.toLowerCase();
}
