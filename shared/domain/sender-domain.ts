import type { Finding } from './finding.ts';

/** What DNS says of a sender domain. Undefined: it could not be asked; empty: there is no such record. */
export interface DomainRecords {
  /** TXT records of the domain, each joined from its strings. */
  readonly txt: readonly string[] | undefined;
  /** TXT records of `_dmarc.<domain>`, or of the organisational domain where it has none of its own. */
  readonly dmarc: readonly string[] | undefined;
  /** TXT records behind `selector1._domainkey.<domain>` and `selector2`, the names Exchange Online uses. */
  readonly dkim: readonly (readonly string[] | undefined)[];
}

/** What the SPF record of a domain that sends through Exchange Online includes. Source: Microsoft, "Set up SPF". */
const EXCHANGE_SPF = 'include:spf.protection.outlook.com';

/**
 * Judges what receivers will look at. Nothing here stops a submission, so nothing is worse than a warning: mail without
 * these records is taken by Exchange and ends in the junk of others.
 */
export function judgeDomain(domain: string, records: DomainRecords): readonly Finding[] {
  return [judgeSpf(domain, records.txt), judgeDkim(domain, records.dkim), judgeDmarc(domain, records.dmarc)];
}

function judgeSpf(domain: string, txt: DomainRecords['txt']): Finding {
  const check = `spf ${domain}`;
  if (!txt) return notAsked(check);
  const records = txt.filter(record => /^v=spf1(\s|$)/i.test(record));
  const [record = ''] = records;
  if (records.length === 0) {
    return warning(check, 'there is no SPF record', `Add the TXT record \`v=spf1 ${EXCHANGE_SPF} -all\` to ${domain}.`);
  }
  if (records.length > 1) {
    return warning(
      check,
      `there are ${records.length} SPF records; with more than one, receivers take none (RFC 7208 4.5)`,
      `Join them into one TXT record of ${domain}.`,
    );
  }
  if (!record.toLowerCase().includes(EXCHANGE_SPF) && !/\b(redirect=|exists:)/i.test(record)) {
    return warning(
      check,
      'the SPF record does not name Exchange Online itself; it may be in one that it includes',
      `Add \`${EXCHANGE_SPF}\` before the \`all\` of the record.`,
    );
  }
  if (/\s[+?]?all\b/i.test(record)) {
    return warning(check, 'the SPF record lets everybody send', 'End it with `-all` or `~all`.');
  }
  return { check, verdict: 'ok', detail: 'names Exchange Online' };
}

function judgeDkim(domain: string, selectors: DomainRecords['dkim']): Finding {
  const check = `dkim ${domain}`;
  if (selectors.length === 0 || selectors.every(found => found === undefined)) return notAsked(check);
  const isKey = (record: string) => /(^|;)\s*p=[^;\s]/.test(record);
  const found = selectors.filter(records => records?.some(isKey)).length;
  if (found > 0) return { check, verdict: 'ok', detail: `${found} of 2 selectors of Exchange Online hold a key` };
  return warning(
    check,
    'neither selector1 nor selector2 holds a key, so that mail is signed with the tenant’s onmicrosoft.com domain only',
    `Run \`New-DkimSigningConfig -DomainName ${domain} -Enabled $true\` and add the two CNAME records that \`Get-DkimSigningConfig ${domain} | fl Selector*CNAME\` names.`,
  );
}

function judgeDmarc(domain: string, dmarc: DomainRecords['dmarc']): Finding {
  const check = `dmarc ${domain}`;
  if (!dmarc) return notAsked(check);
  const record = dmarc.find(candidate => /^v=DMARC1\s*(;|$)/i.test(candidate));
  if (record === undefined) {
    return warning(
      check,
      'there is no DMARC record; large receivers ask for one',
      `Add the TXT record \`v=DMARC1; p=none; rua=mailto:dmarc@${domain}\` to _dmarc.${domain}, and a stricter policy once the reports are clean.`,
    );
  }
  const policy = /;\s*p\s*=\s*(\w+)/i.exec(record)?.[1]?.toLowerCase();
  if (policy === undefined) return warning(check, 'the DMARC record has no policy', 'Add `p=none` at least.');
  return { check, verdict: 'ok', detail: `policy ${policy}` };
}

function notAsked(check: string): Finding {
  return { check, verdict: 'left', detail: 'DNS could not be asked' };
}

function warning(check: string, detail: string, remedy: string): Finding {
  return { check, verdict: 'warning', detail, remedy };
}
