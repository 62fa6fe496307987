import type { Sender } from './sender.ts';

/** What a token says of itself. Read without checking the signature: it was just fetched from Entra over TLS. */
export interface TokenClaims {
  readonly audience: string;
  readonly appId: string;
  readonly tenantId: string;
  /** Object id of the enterprise application: what Exchange wants as ObjectId of the service principal. */
  readonly objectId: string;
  readonly roles: readonly string[];
  readonly expiresAtMs?: number;
}

const SEND_ROLE = 'SMTP.SendAsApp';
/** `https://outlook.office365.com`, its sovereign sisters, and Exchange's app id. */
const EXCHANGE_AUDIENCES =
  /^(?:https:\/\/(?:outlook(?:-dod)?\.(?:office(?:365)?\.(?:com|us)|com)|partner\.outlook\.cn|ps\.outlook\.com)|00000002-0000-0ff1-ce00-000000000000)\/?$/i;

/** The claims of a JWT; undefined when it is none. */
export function claimsOf(token: string): TokenClaims | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    if (typeof claims !== 'object' || claims === null) return undefined;
    const { aud, appid, azp, tid, oid, roles, exp } = claims as Record<string, unknown>;
    const text = (value: unknown) => (typeof value === 'string' ? value : '');
    return {
      audience: text(aud),
      appId: text(appid) || text(azp),
      tenantId: text(tid),
      objectId: text(oid),
      roles: Array.isArray(roles) ? roles.filter(role => typeof role === 'string') : [],
      ...(typeof exp === 'number' ? { expiresAtMs: exp * 1000 } : {}),
    };
  } catch {
    return undefined;
  }
}

/** Whether Exchange takes tokens for this audience. */
export function isForExchange({ audience }: TokenClaims): boolean {
  return EXCHANGE_AUDIENCES.test(audience);
}

/** A sender that states App RBAC, whose token carries the claim all the same: Microsoft asks not to mix them. */
export function mixesModes(sender: Pick<Sender, 'authorization'>, claims: TokenClaims): boolean {
  return sender.authorization === 'appRbac' && claims.roles.includes(SEND_ROLE);
}

/** One thing that may be behind `535 5.7.3`, and how to find out. */
interface AuthCandidate {
  readonly cause: string;
  readonly check: string;
}

/**
 * What may be behind `535 5.7.3 Authentication unsuccessful`, most likely first, by what the token shows.
 *
 * Exchange gives one text for all of them. What contradicts the token is left out; where the sender states how it is authorised, the
 * other mode's grants are not asked for. Source: Microsoft, "Authenticate an IMAP, POP or SMTP connection using OAuth" and
 * "SMTP App RBAC onboarding", read 2026-11.
 */
export function authCandidates(
  sender: Pick<Sender, 'authorization' | 'clientId'>,
  mailbox: string,
  claims: TokenClaims | undefined,
): readonly AuthCandidate[] {
  const app = claims?.appId || sender.clientId;
  const objectId = claims?.objectId || '<object id of the enterprise application>';
  const hasRole = claims?.roles.includes(SEND_ROLE) ?? false;
  const { authorization } = sender;
  const registration: AuthCandidate = {
    cause:
      'the app is not registered in Exchange, or with the wrong object id (the enterprise application’s is needed)',
    check: `Get-ServicePrincipal | Format-List AppId, ObjectId must show ${app} with ${objectId}`,
  };
  const scope: AuthCandidate = {
    cause: 'no App RBAC assignment has this mailbox in its scope',
    check: `Test-ServicePrincipalAuthorization -Identity ${app} -Resource ${mailbox} must show Application SMTP.SendAsApp with InScope True`,
  };
  const fullAccess: AuthCandidate = {
    cause: 'the app has no FullAccess to the mailbox, which claim mode asks for',
    check: `Get-MailboxPermission -Identity ${mailbox} -User ${objectId}`,
  };
  const consent: AuthCandidate = {
    cause: `claim mode without the role ${SEND_ROLE} in the token: the permission or the admin consent is missing`,
    check: `az ad app permission list-grants --id ${app}, or Entra admin center, Enterprise applications, Permissions`,
  };
  const mixed: AuthCandidate = {
    cause: `App RBAC is stated, yet the token carries ${SEND_ROLE}, which makes Exchange ask for mailbox permissions as well`,
    check: 'take the API permission away from the app registration, or state "authorization":"claim"',
  };
  const audience: AuthCandidate = {
    cause: `the token is for ${claims?.audience || 'another audience'}, not for Exchange`,
    check: 'MAIL_TOKEN_SCOPE must be https://outlook.office365.com/.default',
  };
  const propagation: AuthCandidate = {
    cause: 'a permission changed in the last two hours',
    check: 'wait; changes take 15 minutes to two hours to show',
  };
  const wrongAudience = claims !== undefined && !isForExchange(claims) ? [audience] : [];
  const byMode =
    authorization === 'claim'
      ? hasRole
        ? [fullAccess, registration]
        : [consent, registration, fullAccess]
      : authorization === 'appRbac'
        ? hasRole
          ? [mixed, scope, registration]
          : [scope, registration]
        : hasRole
          ? [fullAccess, registration, scope]
          : [scope, registration, consent];
  return [...wrongAudience, ...byMode, propagation];
}

/** The candidates as one line for a phase's detail. */
export function describeCandidates(candidates: readonly AuthCandidate[]): string {
  return candidates.map(({ cause, check }, index) => `${index + 1}. ${cause} (check: ${check})`).join(' ');
}
