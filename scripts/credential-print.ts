import type { CredentialStatus, VersionStatus } from '../shared/usecases/credential-status.ts';
import type { RotationReport } from '../shared/usecases/rotate-credential.ts';

const DAY_MS = 86_400_000;
const day = (ms: number): string => (Number.isFinite(ms) ? new Date(ms).toISOString().slice(0, 10) : 'never');

/** What an admin has to do so that Entra ID knows a certificate. */
export function registerText(app: { clientId: string; hasObjectId: boolean }, file: string): string {
  return [
    'An admin of the tenant registers it once, by one of:',
    `  az ad app credential reset --id ${app.clientId} --append --cert "@${file}"`,
    '  Entra admin center, App registrations, the app, Certificates & secrets, Certificates, Upload certificate',
    '',
    'Without --append the command takes all other keys away. Whether Entra ID knows it: npm run credential -- status',
    ...(app.hasObjectId
      ? []
      : [
          '',
          'Later rotations need the object id of the App registration, in MAIL_APP_OBJECT_ID:',
          `  az ad app show --id ${app.clientId} --query id -o tsv`,
        ]),
  ].join('\n');
}

/** A table of the versions of a certificate for one app. */
export function statusText(name: string, status: CredentialStatus, nowMs: number): string {
  const rows = [
    ['version', 'from', 'to', 'days left', 'enabled', 'Entra ID', 'key id', ''],
    ...status.versions.map(version => [
      version.version,
      day(version.notBeforeMs),
      day(version.expiresAtMs),
      daysLeft(version, nowMs),
      version.isEnabled ? 'yes' : 'no',
      version.entra,
      version.keyId ?? '',
      version.isInUse ? '← in use' : '',
    ]),
  ];
  const widths = rows[0]?.map((_cell, column) => Math.max(...rows.map(row => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [
    `${name}, app ${status.clientId}`,
    '',
    ...lines,
    ...(status.problem === undefined ? [] : ['', `Not tried with Entra ID: ${status.problem}`]),
    ...(status.problem !== undefined || status.versions.some(({ isInUse }) => isInUse)
      ? []
      : ['', 'The app cannot sign in with any of them.']),
    ...(status.otherKeys ?? []).map(
      ({ keyId }) => `\nAlso registered, and no version of this certificate: key ${keyId}`,
    ),
  ].join('\n');
}

/** What a rotation has come to. */
export function rotationText(name: string, { state, version, nextAtMs, left }: RotationReport): string {
  const what = {
    current: `${name}: version ${version} is in use, and there is nothing to do. --force replaces it all the same.`,
    waiting: `${name}: version ${version} is registered, and Entra ID does not accept it yet. Run this again in a few minutes; mail goes out by the version before.`,
    grace: `${name}: version ${version} is in use. The old key stays until ${new Date(nextAtMs ?? 0).toISOString()}; run this again after that, or leave it to the timer.`,
    rotated: `${name}: version ${version} is in use.`,
  }[state];
  const rest = left.map(
    ({ version: old, clientId }) =>
      `The key of ${old} stays registered: nobody has told its id. Find it with az ad app credential list --id ${clientId} --cert, and take it away with npm run credential -- revoke --key-id <id> --client-id ${clientId}`,
  );
  return [what, ...rest].join('\n');
}

const daysLeft = ({ expiresAtMs }: VersionStatus, nowMs: number): string =>
  Number.isFinite(expiresAtMs) ? String(Math.max(0, Math.floor((expiresAtMs - nowMs) / DAY_MS))) : '';
