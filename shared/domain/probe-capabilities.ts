import type { SmtpReply } from './probe-smtp-reply.ts';

/** The extensions that a server offers, upper case, one entry each (`SIZE 157286400`), without the line that greets. */
export function capabilitiesOf(ehlo: SmtpReply): readonly string[] {
  return ehlo.lines
    .slice(1)
    .map(line => line.trim().replace(/\s+/g, ' ').toUpperCase().slice(0, 120))
    .filter(line => line !== '')
    .slice(0, 40);
}

/** Whether an extension is offered, and with this parameter where one is named. */
export function offers(capabilities: readonly string[], keyword: string, parameter?: string): boolean {
  return capabilities.some(capability => {
    const [name = '', ...parameters] = capability.replace(/^AUTH=/, 'AUTH ').split(' ');
    return name === keyword && (parameter === undefined || parameters.includes(parameter));
  });
}

/** What is new and what is gone since the last time, in words; empty when nothing has changed. */
export function capabilityChanges(before: readonly string[], now: readonly string[]): string {
  const gained = now.filter(one => !before.includes(one));
  const lost = before.filter(one => !now.includes(one));
  return [
    gained.length > 0 ? `new since the last run: ${gained.join(', ')}` : '',
    lost.length > 0 ? `gone since the last run: ${lost.join(', ')}` : '',
  ]
    .filter(part => part !== '')
    .join('; ');
}
