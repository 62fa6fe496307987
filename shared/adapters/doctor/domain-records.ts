import { Resolver } from 'node:dns/promises';
import type { DomainRecords } from '../../domain/sender-domain.ts';

const TIMEOUT_MS = 3_000;
/** The selectors that Exchange Online signs with. Source: Microsoft, "Set up DKIM". */
const DKIM_SELECTORS = ['selector1', 'selector2'];

/** Reads what receivers of mail from `domain` will look up. What cannot be asked is undefined, never an error. */
export async function domainRecords(
  domain: string,
  resolver: Pick<Resolver, 'resolveTxt'> = new Resolver({ timeout: TIMEOUT_MS, tries: 2 }),
): Promise<DomainRecords> {
  const [txt, dmarc, ...dkim] = await Promise.all([
    textsOf(resolver, domain),
    dmarcOf(resolver, domain),
    ...DKIM_SELECTORS.map(selector => textsOf(resolver, `${selector}._domainkey.${domain}`)),
  ]);
  return { txt, dmarc, dkim };
}

/** The domain's own record, else that of the nearest domain above it that has one. */
async function dmarcOf(resolver: Pick<Resolver, 'resolveTxt'>, domain: string): Promise<readonly string[] | undefined> {
  const labels = domain.split('.');
  for (let first = 0; first <= labels.length - 2; first++) {
    const found = await textsOf(resolver, `_dmarc.${labels.slice(first).join('.')}`);
    if (found === undefined || found.some(record => /^v=DMARC1/i.test(record))) return found;
  }
  return [];
}

async function textsOf(resolver: Pick<Resolver, 'resolveTxt'>, name: string): Promise<readonly string[] | undefined> {
  try {
    return (await resolver.resolveTxt(name)).map(strings => strings.join(''));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'ENODATA' || code === 'ENOTFOUND' ? [] : undefined;
  }
}
