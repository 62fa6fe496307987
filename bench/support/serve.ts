import type { Answer, Call } from './child.ts';

/** Commands by name. What they return goes back to the parent by structured clone. */
export type Commands = Readonly<Record<string, (argument: never) => unknown>>;

/** Answers the parent's calls until it goes away, and ends with it. */
export function serve(commands: Commands): void {
  process.once('disconnect', () => process.exit(0));
  process.on('message', async message => {
    const { id, command, argument } = message as Call;
    process.send?.(
      await answerTo(commands, command, argument).then<Answer, Answer>(
        value => ({ id, value }),
        error => ({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
      ),
    );
  });
}

async function answerTo(commands: Commands, command: string, argument: unknown): Promise<unknown> {
  const run = commands[command] as ((argument: unknown) => unknown) | undefined;
  if (!run) throw new Error(`There is no command ${command}.`);
  return run(argument);
}
