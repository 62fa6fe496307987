import type { FailureStage } from './diagnosis.ts';

/** A place in a text that says at which stage it happened. */
export interface StageHint {
  readonly at: number;
  readonly end: number;
  readonly stage: FailureStage;
}

const PHASES: Readonly<Record<string, FailureStage>> = {
  settings: 'settings',
  identity: 'identity',
  vault: 'vault',
  token: 'token',
  dns: 'dns',
  tcp: 'tcp',
  greeting: 'greeting',
  ehlo: 'ehlo',
  ehlo2: 'ehlo',
  tls: 'tls',
  auth: 'auth',
  mail: 'mail',
  envelope: 'mail',
  rcpt: 'rcpt',
  data: 'data',
  content: 'content',
  final: 'final',
  storage: 'storage',
};

const COMMANDS: Readonly<Record<string, FailureStage>> = {
  AUTH: 'auth',
  MAIL: 'mail',
  RCPT: 'rcpt',
  DATA: 'final',
  STARTTLS: 'tls',
  EHLO: 'ehlo',
  HELO: 'ehlo',
  LHLO: 'ehlo',
};

// Our `phase`, nodemailer's `command`, Postfix's "(in reply to RCPT TO command)".
const HINT =
  /\bphase\\?["']? ?[:=] ?\\?["']([a-z0-9]{2,10})\\?["']|\bcommand\\?["']? ?[:=] ?\\?["'](AUTH|MAIL|RCPT|DATA|STARTTLS|EHLO|HELO|LHLO)|\bin reply to (?:end of )?(AUTH|MAIL|RCPT|DATA|STARTTLS|EHLO|HELO)\b/g;

/** The hints of a text, in order. nodemailer says DATA for the command and for the verdict after the dot; only a reply tells that it was one. */
export function stageHintsIn(text: string, hasReply: boolean): StageHint[] {
  const hints: StageHint[] = [];
  for (const match of text.matchAll(HINT)) {
    const command = match[2] ?? match[3];
    const stage = command === undefined ? PHASES[match[1] ?? ''] : COMMANDS[command];
    if (stage === undefined || (command === 'DATA' && !hasReply)) continue;
    hints.push({ at: match.index, end: match.index + match[0].length, stage });
  }
  return hints;
}

/** The one stage that all hints agree on. */
export function onlyStage(hints: readonly StageHint[]): FailureStage | undefined {
  const stages = new Set(hints.map(hint => hint.stage));
  return stages.size === 1 ? hints[0]?.stage : undefined;
}

/** The stage of what stands between `from` and `to`: the nearest hint within, else the nearest of all. */
export function nearestStage(
  hints: readonly StageHint[],
  at: number,
  from: number,
  to: number,
): FailureStage | undefined {
  const within = hints.filter(hint => hint.at >= from && hint.end <= to);
  const distance = (hint: StageHint): number => (hint.end <= at ? at - hint.end : hint.at - at);
  let nearest: StageHint | undefined;
  for (const hint of within.length > 0 ? within : hints)
    if (nearest === undefined || distance(hint) < distance(nearest)) nearest = hint;
  return nearest?.stage;
}

// "Invalid greeting. response=554", Postfix's "refused to talk to me: 554", Python's "SMTPConnectError: (554, b'".
const BEFORE_REPLY: readonly (readonly [RegExp, FailureStage])[] = [
  [
    /(?:\b(?:greeting|banner)|refused to talk to me|SMTPConnectError)\W{0,4}(?:(?:response|reply|was|is|said|got|received|returned|with|b)\W{1,4}){0,3}$/i,
    'greeting',
  ],
  [
    /(?:invalid (?:EHLO|HELO|LHLO)|(?:EHLO|HELO) command failed|SMTPHeloError)\W{0,4}(?:(?:response|b)\W{1,4}){0,2}$/i,
    'ehlo',
  ],
];
const IN_GREETING = /\b(?:at|in|as|during|receiving|to) (?:the )?(?:initial )?(?:server )?(?:greeting|banner)\b/i;
const WORDS_BEFORE = 80;
const WORDS_AFTER = 400;

/** The stage that the words right around a reply give it: it was the greeting, or the answer to EHLO. */
export function stageInWords(text: string, at: number, lineEnd: number): FailureStage | undefined {
  const before = text.slice(Math.max(0, at - WORDS_BEFORE), at);
  const found = BEFORE_REPLY.find(([pattern]) => pattern.test(before));
  if (found !== undefined) return found[1];
  return IN_GREETING.test(text.slice(at, Math.min(lineEnd, at + WORDS_AFTER))) ? 'greeting' : undefined;
}

const HOSTS: readonly (readonly [RegExp, FailureStage])[] = [
  [
    /\.(?:queue|table|blob)\.(?:core\.windows|core\.usgovcloudapi|core\.chinacloudapi)|127\.0\.0\.1:1000[0-2]|AzureWebJobsStorage/i,
    'storage',
  ],
  [/ManagedIdentityCredential|IDENTITY_ENDPOINT|\bIMDS\b|169\.254\.\d{1,3}\.\d/, 'identity'],
  [/\.vault\.(?:azure|usgovcloudapi)|Microsoft\.KeyVault/i, 'vault'],
  [
    /AADSTS\d|login\.(?:microsoftonline|partner\.microsoftonline)|oauth2\/v2\.0\/token|ClientAuthError|ServerError\b/i,
    'token',
  ],
  [/\b(?:getaddrinfo|queryA{1,4}|queryMx) E/, 'dns'],
  [/\bconnect E/, 'tcp'],
];

/** The stage that the host spoken to gives away. */
export function stageByHost(text: string): FailureStage | undefined {
  return HOSTS.find(([pattern]) => pattern.test(text))?.[1];
}
