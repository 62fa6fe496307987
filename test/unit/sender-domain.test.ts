import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DomainRecords, judgeDomain } from '../../shared/domain/sender-domain.ts';

const GOOD: DomainRecords = {
  txt: ['ms=ms12345', 'v=spf1 include:spf.protection.outlook.com -all'],
  dmarc: ['v=DMARC1; p=reject; rua=mailto:d@contoso.com'],
  dkim: [['v=DKIM1; k=rsa; p=MIIBIjAN'], ['v=DKIM1; k=rsa; p=MIIBIjAN']],
};

const CASES: readonly (readonly [string, Partial<DomainRecords>, readonly string[]])[] = [
  ['all is well', {}, ['ok', 'ok', 'ok']],
  ['DNS is away', { txt: undefined, dmarc: undefined, dkim: [undefined, undefined] }, ['left', 'left', 'left']],
  ['there is nothing', { txt: [], dmarc: [], dkim: [[], []] }, ['warning', 'warning', 'warning']],
  ['two SPF records', { txt: ['v=spf1 -all', 'v=spf1 ~all'] }, ['warning', 'ok', 'ok']],
  ['SPF of somebody else', { txt: ['v=spf1 include:_spf.example.com -all'] }, ['warning', 'ok', 'ok']],
  ['SPF by redirect', { txt: ['v=spf1 redirect=_spf.example.com'] }, ['ok', 'ok', 'ok']],
  ['SPF for everybody', { txt: ['v=spf1 include:spf.protection.outlook.com +all'] }, ['warning', 'ok', 'ok']],
  [
    'SPF for everybody, without a sign',
    { txt: ['v=spf1 include:spf.protection.outlook.com all'] },
    ['warning', 'ok', 'ok'],
  ],
  ['SPF in capitals', { txt: ['V=SPF1 INCLUDE:SPF.PROTECTION.OUTLOOK.COM ~ALL'] }, ['ok', 'ok', 'ok']],
  [
    'a text that only begins like SPF',
    { txt: ['v=spf10 include:spf.protection.outlook.com'] },
    ['warning', 'ok', 'ok'],
  ],
  ['one DKIM selector', { dkim: [['v=DKIM1; p=MIIB'], []] }, ['ok', 'ok', 'ok']],
  ['a revoked DKIM key', { dkim: [['v=DKIM1; p='], []] }, ['ok', 'warning', 'ok']],
  ['DMARC without a policy', { dmarc: ['v=DMARC1; rua=mailto:x@example.com'] }, ['ok', 'ok', 'warning']],
  ['another text under _dmarc', { dmarc: ['hello'] }, ['ok', 'ok', 'warning']],
];

for (const [name, records, verdicts] of CASES) {
  test(`a sender domain where ${name}`, () => {
    const findings = judgeDomain('contoso.com', { ...GOOD, ...records });
    assert.deepEqual(
      findings.map(({ verdict }) => verdict),
      verdicts,
    );
    for (const finding of findings) if (finding.verdict === 'warning') assert.ok(finding.remedy, finding.detail);
  });
}
