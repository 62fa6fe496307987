import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A process of its own that answers commands; its script says which, by `serve`. */
export interface Child {
  readonly pid: number;
  /** Rejects with the other side's stack, or when the process ends meanwhile. */
  call<Answer>(command: string, argument?: unknown): Promise<Answer>;
  close(): Promise<void>;
}

export interface ChildOptions {
  /** The whole environment beside PATH. */
  readonly env?: Readonly<Record<string, string>>;
  /** Flags for node. */
  readonly flags?: readonly string[];
}

export interface Call {
  readonly id: number;
  readonly command: string;
  readonly argument: unknown;
}
export type Answer = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string });

/** Starts `script` (a module URL). What it prints goes to stderr: stdout is for the table. */
export function startChild(script: URL, { env = {}, flags = [] }: ChildOptions = {}): Child {
  const child = fork(fileURLToPath(script), {
    env: { PATH: process.env['PATH'], ...env },
    execArgv: [...flags],
    serialization: 'advanced',
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let calls = 0;
  let end = '';
  child.on('message', message => {
    const answer = message as Answer;
    const caller = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ('error' in answer) caller?.reject(new Error(answer.error));
    else caller?.resolve(answer.value);
  });
  const exited = once(child, 'exit').then(([code, signal]) => {
    end = `${script.pathname} has ended (${signal ?? `code ${code}`})`;
    for (const caller of waiting.values()) caller.reject(new Error(end));
    waiting.clear();
  });
  return {
    pid: child.pid ?? 0,
    call<Value>(command: string, argument?: unknown): Promise<Value> {
      if (end !== '') return Promise.reject(new Error(end));
      const id = calls++;
      const caller = Promise.withResolvers<unknown>();
      waiting.set(id, caller);
      child.send({ id, command, argument } satisfies Call);
      return caller.promise as Promise<Value>;
    },
    async close() {
      if (end === '') child.kill('SIGKILL');
      await exited;
    },
  };
}
