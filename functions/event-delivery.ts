import { vaultSecrets } from '../shared/adapters/key-vault/vault-secrets.ts';
import { cachedSecrets } from '../shared/adapters/webhooks/cached-secrets.ts';
import { webhookPost } from '../shared/adapters/webhooks/post-webhook.ts';
import type { Settings } from '../shared/config/settings.ts';
import type { EventQueue } from '../shared/domain/event-task.ts';
import type { MessageStore } from '../shared/domain/message-ports.ts';
import type { Clock } from '../shared/domain/ports.ts';
import type { DeliverEventDeps } from '../shared/usecases/deliver-event.ts';
import { webhookRest } from '../shared/usecases/webhook-rest.ts';

/** What delivering events needs, put together for one process. */
export function makeEventDelivery(
  settings: Settings,
  store: MessageStore,
  queue: EventQueue,
  clock: Clock,
): DeliverEventDeps {
  const readSecret = vaultSecrets(settings.vault);
  return {
    webhooks: settings.webhooks,
    store,
    queue,
    post: webhookPost(),
    secret: cachedSecrets(async name => (await readSecret(name)).value, clock.now),
    rest: webhookRest(clock.now),
    clock,
  };
}
