import { EVENT_LIFE_MS, nextTry } from '../domain/event-retry.ts';
import { readEventTask, tasksOf } from '../domain/event-task.ts';
import type { EventRef } from '../domain/events.ts';
import type { Clock, Log } from '../domain/ports.ts';
import type { PoisonMessage } from '../domain/queue-ports.ts';
import { redact } from '../domain/redact.ts';
import { type EmitDeps, emitEvent } from './emit-events.ts';

export interface SweepEventsDeps extends EmitDeps {
  readonly clock: Clock;
}

/** A note this old belongs to an outcome whose instance died before its events were on the queue. */
const LEFT_AFTER_MS = 120_000;
const MAX_NOTES = 1_000;
const NOTES_AT_ONCE = 16;
const MAX_POISON = 32;

/**
 * Emits what a crash or an outage kept from the queue, and puts back what the host gave up. A receiver may see an event
 * twice by this, under the same webhook-id.
 *
 * @param deps absent without webhooks: then there is nothing to do, and no storage call.
 * @returns how many events were looked after. Never throws: the next run is a minute away.
 */
export async function sweepEvents(deps: SweepEventsDeps | undefined, log: Log): Promise<number> {
  if (!deps) return 0;
  try {
    const count = (await emitAllLeft(deps, log)) + (await putBackPoison(deps, log));
    if (count > 0) log('info', { event: 'webhook.swept', count });
    return count;
  } catch (error) {
    const detail = redact(error instanceof Error ? error.message : String(error), 300);
    log('error', { event: 'sweep.failed', phase: 'events', detail });
    return 0;
  }
}

async function emitAllLeft(deps: SweepEventsDeps, log: Log): Promise<number> {
  const nowMs = deps.clock.now();
  const left = (await deps.outbox.pending(MAX_NOTES)).filter(event => event.atMs < nowMs - LEFT_AFTER_MS);
  for (let at = 0; at < left.length; at += NOTES_AT_ONCE) {
    await Promise.all(left.slice(at, at + NOTES_AT_ONCE).map(event => emitLeft(deps, event, nowMs, log)));
  }
  return left.length;
}

async function putBackPoison(deps: SweepEventsDeps, log: Log): Promise<number> {
  const poison = await deps.queue.receivePoison(MAX_POISON);
  for (const message of poison) await putBack(deps, message, deps.clock.now(), log);
  return poison.length;
}

/** Older than an event lives: from a time when webhooks were configured, then not, and now again. Nobody wants it any more. */
async function emitLeft(deps: SweepEventsDeps, event: EventRef, nowMs: number, log: Log): Promise<void> {
  const isTooOld = event.atMs < nowMs - EVENT_LIFE_MS;
  if (isTooOld || tasksOf(deps.webhooks, event).length === 0) {
    await deps.outbox.done(event);
    if (isTooOld)
      log('warn', { event: 'webhook.dropped', messageId: event.messageId, state: event.status, detail: 'too old' });
    return;
  }
  await emitEvent(deps, event);
}

async function putBack(deps: SweepEventsDeps, message: PoisonMessage, nowMs: number, log: Log): Promise<void> {
  const task = taskOf(message.text);
  // Counted as a try, so that a task that breaks the function does not go round for ever.
  const next = task && nextTry(task, nowMs, deps.clock.random());
  if (next) await deps.queue.put(next.task, next.delayMs);
  else
    log('error', {
      event: 'webhook.dropped',
      ...(task ? { messageId: task.messageId, state: task.status } : {}),
      detail: task ? 'given up' : `not an event: ${redact(message.text, 100)}`,
    });
  await message.done();
}

function taskOf(text: string) {
  try {
    return readEventTask(JSON.parse(text));
  } catch {
    return undefined;
  }
}
