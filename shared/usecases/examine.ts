import { entryOf, findEntry } from '../domain/diagnosis/catalogue.ts';
import { diagnosisOf } from '../domain/diagnosis/diagnose.ts';
import type { Finding } from '../domain/finding.ts';
import type { Log } from '../domain/ports.ts';
import type { CredentialWalk, ServerWalk } from '../domain/probe-ports.ts';
import type { PhaseResult, ProbedCredential } from '../domain/probe-run.ts';
import type { TokenClaims } from '../domain/probe-token.ts';
import { withCandidates } from '../domain/probe-verdict.ts';
import type { Sender } from '../domain/sender.ts';
import { judgeDomain } from '../domain/sender-domain.ts';
import type { Surroundings } from '../domain/surroundings.ts';

export interface ExamineDeps {
  readonly senders: readonly Sender[];
  readonly endpoint: { readonly host: string; readonly port: number };
  readonly credentials: CredentialWalk;
  readonly server: ServerWalk;
  readonly surroundings: Surroundings;
  readonly nowMs: number;
}

/** Entra refuses an assertion whose times are off by more than about five minutes (AADSTS700024). */
const CLOCK_FAILS_MS = 300_000;
const CLOCK_WARNS_MS = 60_000;
const DAY_MS = 86_400_000;
const EXPIRY_WARNS_DAYS = 30;
/** Who issues the certificates of smtp.office365.com. Source: Microsoft, "Azure Certificate Authority details". */
const EXCHANGE_ISSUERS = /DigiCert|Microsoft/i;
const EXCHANGE_HOSTS = /(^|\.)(office365|outlook|office|microsoft)\.(com|us|cn)$/i;

/**
 * Everything the probe does and what surrounds it, for a person who sets things up. Sends nothing.
 *
 * @returns findings in the order of the way; each with cause and remedy where it is not fine
 */
export async function examine(deps: ExamineDeps, log: Log): Promise<readonly Finding[]> {
  const findings: Finding[] = [await clock(deps)];
  const reached = await deps.surroundings.reach();
  findings.push(...reached.phases.map(fromPhase), ...(await ports(deps, reached.phases)));
  findings.push(...inspection(deps, reached.issuer));
  const isReachable = reached.phases.every(({ ok }) => ok === true);
  const seen = new Set<string>();
  for (const sender of deps.senders) {
    const { phases, token, credential } = await deps.credentials(sender, log);
    const key = JSON.stringify([sender.tenantId, sender.clientId, sender.credential, sender.authorization]);
    if (!seen.has(key)) findings.push(...phases.map(fromPhase), ...lifetime(credential, deps.nowMs));
    seen.add(key);
    for (const mailbox of sender.mailboxes) {
      const found = token
        ? await signIn(deps, sender, mailbox, token, isReachable)
        : [left('auth', 'no token to sign in with')];
      findings.push(...found.map(finding => ({ ...finding, check: `${finding.check} ${mailbox}` })));
    }
    findings.push(...sendAs(sender));
  }
  findings.push(...(await domains(deps)));
  return findings;
}

async function clock({ surroundings }: ExamineDeps): Promise<Finding> {
  const aheadMs = await surroundings.entraClockAheadMs();
  if (aheadMs === undefined) return left('clock', 'Entra ID cannot be reached, so its clock cannot be compared');
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  const detail = `this machine is ${seconds} s ${aheadMs > 0 ? 'behind' : 'ahead of'} Entra ID`;
  if (Math.abs(aheadMs) <= CLOCK_WARNS_MS) return { check: 'clock', verdict: 'ok', detail };
  const verdict = Math.abs(aheadMs) > CLOCK_FAILS_MS ? 'failed' : 'warning';
  return explained({ check: 'clock', verdict, detail, code: 'entra_clock_skew' });
}

/** When port 587 is shut, its neighbours tell a firewall from a network that is down. */
async function ports(deps: ExamineDeps, phases: readonly PhaseResult[]): Promise<readonly Finding[]> {
  const tcp = phases.find(({ phase }) => phase === 'tcp');
  if (tcp?.ok !== false) return [];
  const { host, port } = deps.endpoint;
  const others = [25, 443, 465].filter(other => other !== port);
  const open = (
    await Promise.all(others.map(async other => ((await deps.surroundings.opens(host, other)) ? [other] : [])))
  ).flat();
  const detail =
    open.length === 0
      ? `${others.join(', ')} do not open either: no way out of this network, or a firewall that lets only known traffic through`
      : `${open.join(', ')} open: a firewall stops port ${port} alone. Exchange Online takes no submission on 465, and 25 is blocked in most clouds`;
  return [
    {
      check: 'other ports',
      verdict: 'warning',
      detail,
      remedy: `Allow outgoing TCP to ${host} port ${port}. Submission with OAuth needs 587; no other port does.`,
    },
  ];
}

/** A proxy that opens TLS is trusted where its authority is, and still reads every mail. */
function inspection({ endpoint }: ExamineDeps, issuer: string | undefined): readonly Finding[] {
  if (issuer === undefined || !EXCHANGE_HOSTS.test(endpoint.host) || EXCHANGE_ISSUERS.test(issuer)) return [];
  return [
    {
      check: 'tls inspection',
      verdict: 'warning',
      detail: `the certificate is issued by ${issuer}, not by Microsoft or DigiCert: something on the way opens the connection`,
      remedy: `Except ${endpoint.host}:${endpoint.port} from TLS inspection. Microsoft asks for it, and tokens and mails are readable there.`,
    },
  ];
}

/** What is good today and will not be when nobody looks. */
function lifetime(credential: ProbedCredential | undefined, nowMs: number): readonly Finding[] {
  if (credential?.expiresAt === undefined) return [];
  const days = Math.floor((Date.parse(credential.expiresAt) - nowMs) / DAY_MS);
  if (days > EXPIRY_WARNS_DAYS || days < 0) return [];
  return [
    {
      check: 'expiry',
      verdict: 'warning',
      detail: `${credential.kind} ${credential.name ?? ''} ends in ${days} days, on ${credential.expiresAt}`,
      remedy:
        credential.kind === 'certificate'
          ? '`npm run credential -- rotate` makes the next version and registers it; CERTIFICATE_ROTATION does so by itself.'
          : 'Make a new secret (`az ad app credential reset --id <client id> --append`) and a new version of it in Key Vault.',
    },
  ];
}

async function signIn(
  deps: ExamineDeps,
  sender: Sender,
  mailbox: string,
  { token, claims }: { readonly token: string; readonly claims: TokenClaims | undefined },
  isReachable: boolean,
): Promise<readonly Finding[]> {
  if (!isReachable) return [left('auth', 'the mail server cannot be reached')];
  const { phases, facts } = await deps.server.converse({ mailbox, token });
  const told = withCandidates(phases, facts, sender, mailbox, claims);
  // The phases before the sign-in have been shown once for all mailboxes.
  const shown = told.filter(({ phase, ok }) => phase === 'auth' || phase === 'envelope' || ok === false);
  return shown.map(fromPhase);
}

/** Send As is judged after a mail's last byte, so that nothing short of a mail proves it. */
function sendAs(sender: Sender): readonly Finding[] {
  const others = sender.from.filter(
    pattern => !sender.mailboxes.some(own => own.toLowerCase() === pattern.toLowerCase()),
  );
  if (others.length === 0) return [];
  const [mailbox = ''] = sender.mailboxes;
  const example = others.find(pattern => !pattern.startsWith('*@')) ?? '<address>';
  return [
    {
      check: `send as ${others.join(', ')}`,
      verdict: 'left',
      detail: 'Exchange judges it after the last byte of a mail, so it cannot be told without sending one',
      remedy: `\`Get-RecipientPermission ${example} -Trustee ${mailbox}\` shows SendAs where it is granted; \`Add-RecipientPermission ${example} -Trustee ${mailbox} -AccessRights SendAs\` grants it.`,
    },
  ];
}

async function domains({ senders, surroundings }: ExamineDeps): Promise<readonly Finding[]> {
  const { domainRecords } = surroundings;
  if (!domainRecords) return [];
  const addresses = senders.flatMap(({ from, mailboxes }) => [...from, ...mailboxes]);
  const names = new Set(addresses.map(address => address.slice(address.lastIndexOf('@') + 1).toLowerCase()));
  const findings = await Promise.all(
    [...names].filter(name => name !== '').map(async name => judgeDomain(name, await domainRecords(name))),
  );
  return findings.flat();
}

function left(check: string, detail: string): Finding {
  return { check, verdict: 'left', detail };
}

function fromPhase({ phase, ok, ms, detail, code }: PhaseResult): Finding {
  if (ok === null) return { check: phase, verdict: 'left', detail };
  const verdict = ok ? (code === undefined ? 'ok' : 'warning') : 'failed';
  return explained({ check: phase, verdict, detail, ms, ...(code === undefined ? {} : { code }) });
}

/** Adds cause and remedy of the code. */
export function explained(finding: Finding): Finding {
  if (finding.code === undefined) return finding;
  const { cause, remedy, docs } = diagnosisOf(findEntry(finding.code) ?? entryOf('internal_error'));
  return { ...finding, cause, remedy, docs };
}
