import type { CatalogueEntry } from './diagnosis.ts';
import { entraApp } from './entra-app.ts';
import { entraCredential } from './entra-credential.ts';
import { entraService } from './entra-service.ts';
import { keyVault } from './key-vault.ts';
import { keyVaultContent } from './key-vault-content.ts';
import { managedIdentity } from './managed-identity.ts';
import { network } from './network.ts';
import { ownAccess } from './own-access.ts';
import { ownAlerts } from './own-alerts.ts';
import { ownDelivery } from './own-delivery.ts';
import { ownRequest } from './own-request.ts';
import { smtpAuth } from './smtp-auth.ts';
import { smtpClient } from './smtp-client.ts';
import { smtpContent } from './smtp-content.ts';
import { smtpLimits } from './smtp-limits.ts';
import { smtpMailbox } from './smtp-mailbox.ts';
import { smtpRecipient } from './smtp-recipient.ts';
import { smtpService } from './smtp-service.ts';
import { smtpShutOff } from './smtp-shut-off.ts';
import { storage } from './storage.ts';
import { tls } from './tls.ts';

const sections = [
  { title: 'Requests and settings', entries: [...ownRequest, ...ownAccess] },
  { title: 'Managed identity', entries: managedIdentity },
  { title: 'Key Vault', entries: [...keyVault, ...keyVaultContent] },
  { title: 'Entra ID (token)', entries: [...entraApp, ...entraCredential, ...entraService] },
  { title: 'Network and DNS', entries: network },
  { title: 'TLS', entries: tls },
  { title: 'SMTP sign-in', entries: smtpAuth },
  { title: 'SMTP: the sending mailbox', entries: [...smtpMailbox, ...smtpShutOff] },
  { title: 'SMTP: limits', entries: smtpLimits },
  { title: 'SMTP: recipients', entries: smtpRecipient },
  { title: 'SMTP: the message', entries: smtpContent },
  { title: 'SMTP: the service', entries: smtpService },
  { title: 'SMTP: the client', entries: smtpClient },
  { title: 'Storage', entries: storage },
  { title: 'Delivery', entries: ownDelivery },
  { title: 'Warnings', entries: ownAlerts },
] as const;

/** Every code of the catalogue, as a type: a misspelt code does not compile. */
export type DiagnosisCode = (typeof sections)[number]['entries'][number]['code'];

/** A part of the catalogue under one heading, in the order of a message's way. */
export interface CatalogueSection {
  readonly title: string;
  readonly entries: readonly CatalogueEntry[];
}

/** The catalogue by stage; the order is that of docs/errors.md, and decides between equally good matches. */
export const catalogueSections: readonly CatalogueSection[] = sections;

/** All entries in one list. */
export const catalogue: readonly CatalogueEntry[] = catalogueSections.flatMap(section => section.entries);

const byCode: ReadonlyMap<string, CatalogueEntry> = new Map(catalogue.map(entry => [entry.code, entry]));

/** The entry of a code known at compile time. */
export function entryOf(code: DiagnosisCode): CatalogueEntry {
  const entry = byCode.get(code);
  if (entry === undefined) throw new Error(`The diagnosis catalogue has no entry ${code}.`);
  return entry;
}

/** The entry of a code that came from outside, or undefined. Case counts. */
export function findEntry(code: string): CatalogueEntry | undefined {
  return byCode.get(code);
}
