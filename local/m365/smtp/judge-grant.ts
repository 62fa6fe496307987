import type { Claims } from '../jwt.ts';
import type { Mailbox, World } from '../world.ts';

const SEND_AS_APP = 'SMTP.SendAsApp';

/**
 * Why the app of this token may not use this mailbox, or undefined when it may. To the client every reason looks like 535 5.7.3.
 * Both modes need New-ServicePrincipal with the object id of the Enterprise application, which is the token's `oid`.
 * Claim mode: SMTP.SendAsApp in `roles`, and FullAccess on the mailbox.
 * App RBAC mode: a role assignment with the mailbox in scope; a claim that is there all the same triggers the FullAccess check too.
 * Source: learn.microsoft.com/exchange/client-developer/legacy-protocols, how-to-authenticate-… and smtp-app-rbac-onboarding.
 */
export function judgeGrant(world: World, mailbox: Mailbox, claims: Claims): string | undefined {
  const appId = String(claims['appid']);
  const { exchange } = world;
  const principals = exchange.servicePrincipals.filter(one => one.clientId === appId);
  if (principals.length === 0) return 'service principal not registered in Exchange';
  if (!principals.some(one => one.objectId === claims['oid']))
    return 'service principal registered with another object id';
  const hasClaim = Array.isArray(claims['roles']) && claims['roles'].includes(SEND_AS_APP);
  if (exchange.mode === 'claim' && !hasClaim) return 'no SMTP.SendAsApp claim';
  if (exchange.mode === 'appRbac' && !mailbox.appRbac.includes(appId))
    return 'mailbox not in the scope of a role assignment';
  return hasClaim && !mailbox.fullAccess.includes(appId) ? 'no FullAccess on the mailbox' : undefined;
}
