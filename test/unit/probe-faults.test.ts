import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { problemsOf } from '../../faults/probe/judge-trial.ts';
import { HOOK_SECRET, type Notice, noticeOf } from '../../faults/probe/notices.ts';
import { PROBE_FAULTS } from '../../faults/probe/probe-faults.ts';
import type { Trial } from '../../faults/probe/try-fault.ts';
import { findEntry } from '../../shared/domain/diagnosis/catalogue.ts';

const fault = {
  name: 'Entra fails',
  code: 'entra_unavailable',
  mailboxes: ['a@contoso.com', 'b@contoso.com'],
  strike() {},
};
const notice = (type: string, changes: Partial<Notice> = {}): Notice => ({
  type,
  code: fault.code,
  mailboxes: ['b@contoso.com', 'a@contoso.com'],
  incidentId: '01',
  isSigned: true,
  atMs: 0,
  ...changes,
});
const [opened, closed] = [notice('incident.opened'), notice('incident.closed')];

test('there are at least twelve faults, and each has its cause in the catalogue', () => {
  assert.ok(new Set(PROBE_FAULTS.map(({ name }) => name)).size >= 12);
  for (const { code } of PROBE_FAULTS) assert.ok(findEntry(code), code);
});

test('only one alert of the right cause in time, and one resolve of it, will do', () => {
  const judge = (notices: readonly Notice[], more: Partial<Trial> = {}) =>
    problemsOf({ fault, notices, runs: 3, seconds: 12, ...more });
  assert.deepEqual(judge([opened, closed]), []);
  const wrong: readonly (readonly Notice[])[] = [
    [],
    [opened],
    [opened, opened, closed],
    [opened, closed, closed],
    [opened, notice('incident.closed', { incidentId: '02' })],
    [notice('incident.opened', { code: 'entra_refused' }), closed],
    [notice('incident.opened', { mailboxes: ['a@contoso.com'] }), closed],
    [opened, notice('incident.updated'), closed],
    [opened, notice('warning', { code: 'credential_expiring' }), closed],
    [notice('incident.opened', { isSigned: false }), closed],
  ];
  for (const notices of wrong) assert.notDeepEqual(judge(notices), [], JSON.stringify(notices));
  assert.deepEqual(judge([opened, closed], { runs: 4 }), ['after 4 runs']);
  assert.deepEqual(judge([opened, closed], { broken: 'no storage' }), ['no storage']);
});

test('a notice counts as signed only with the right key, over the very body', () => {
  const body = JSON.stringify({ type: 'incident.opened', data: { code: 'x', mailboxes: [], incidentId: '01' } });
  const key = Buffer.from(HOOK_SECRET.slice('whsec_'.length), 'base64');
  const atMs = 1_800_000_000_000;
  const sign = (text: string) => `v1,${createHmac('sha256', key).update(`id.1800000000.${text}`).digest('base64')}`;
  const isSigned = (signature: string) =>
    noticeOf({
      path: '/',
      servername: undefined,
      headers: { 'webhook-id': 'id', 'webhook-timestamp': '1800000000', 'webhook-signature': signature },
      body,
      atMs,
    }).isSigned;
  assert.equal(isSigned(sign(body)), true);
  assert.equal(isSigned(sign(`${body} `)), false);
  assert.equal(isSigned(''), false);
});
