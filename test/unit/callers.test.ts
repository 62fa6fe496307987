import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { readProof } from '../../functions/caller.ts';
import { requireOperator } from '../../functions/require-operator.ts';
import type { Caller, CallerRules } from '../../shared/domain/accept-input.ts';
import { admitCaller, type CallerEntry, checkCallerFrom, checkCallerRecipients } from '../../shared/domain/callers.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const APP_ID = '11111111-2222-3333-4444-555555555555';
const entries: readonly CallerEntry[] = [
  { name: 'shop', keySha256: sha256('old'), isOperator: false, rules: { from: ['*@contoso.com'] } },
  { name: 'shop', keySha256: sha256('new'), isOperator: false, rules: { from: ['*@contoso.com'] } },
  { name: 'desk', appId: APP_ID, isOperator: false, rules: {} },
  { name: 'ops', keySha256: sha256('ops'), isOperator: true, rules: {} },
];
const url = 'https://app.example/api/messages';
const withRules = (rules: CallerRules): Caller => ({ id: 'caller:x', isOperator: false, rules });
const principal = (value: unknown) => ({
  'x-ms-client-principal': Buffer.from(JSON.stringify(value)).toString('base64'),
});
const claims = (...pairs: [string, string][]) => ({ claims: pairs.map(([typ, val]) => ({ typ, val })) });

test('a caller is known by the hash of its key, and keeps its name over a rotation', () => {
  for (const key of ['old', 'new']) {
    const found = admitCaller(entries, { kind: 'key', keySha256: sha256(key) });
    assert.ok(found.ok);
    assert.equal(found.value.id, 'caller:shop');
    assert.equal(found.value.isOperator, false);
  }
  const ops = admitCaller(entries, { kind: 'key', keySha256: sha256('ops') });
  assert.ok(ops.ok && ops.value.isOperator);
});

test('with MAIL_CALLERS an unknown key or app is refused with 403, and no key with 401', () => {
  for (const keySha256 of [sha256('other'), '0'.repeat(64), '', 'zz']) {
    const found = admitCaller(entries, { kind: 'key', keySha256 });
    assert.ok(!found.ok && found.problem.status === 403 && found.problem.code === 'caller_not_allowed', keySha256);
  }
  for (const appId of [undefined, '99999999-2222-3333-4444-555555555555']) {
    const proof = { kind: 'app', id: 'x', isItself: true, hasRole: true, isOperator: true } as const;
    const found = admitCaller(entries, { ...proof, ...(appId ? { appId } : {}) });
    assert.ok(!found.ok && found.problem.status === 403, String(appId));
  }
  const none = admitCaller(entries, { kind: 'key' });
  assert.ok(!none.ok && none.problem.status === 401);
});

test('without MAIL_CALLERS every key is let in, sees all, and is named by a part of its hash', () => {
  assert.deepEqual(admitCaller(undefined, { kind: 'key' }), {
    ok: true,
    value: { id: 'anonymous', isOperator: true },
  });
  const found = admitCaller(undefined, { kind: 'key', keySha256: sha256('k') });
  assert.ok(found.ok);
  assert.equal(found.value.id, `key:${sha256('k').slice(0, 32)}`);
});

test('an app is known by its app id; the role Mail.Operate makes an operator of it', () => {
  const env = { WEBSITE_AUTH_ENABLED: 'True' };
  for (const claim of ['appid', 'azp']) {
    for (const role of ['Mail.Send', 'Mail.Operate']) {
      const headers = new Headers(
        principal({ auth_typ: 'aad', ...claims([claim, APP_ID.toUpperCase()], ['roles', role]) }),
      );
      const proof = readProof('entra', url, headers, env);
      assert.ok(proof.ok);
      const caller = admitCaller(entries, proof.value);
      assert.ok(caller.ok);
      assert.equal(caller.value.id, 'caller:desk');
      assert.equal(caller.value.isOperator, role === 'Mail.Operate');
    }
  }
});

const on = { WEBSITE_AUTH_ENABLED: 'True' };
const admit = (listed: readonly CallerEntry[] | undefined, ...pairs: [string, string][]) => {
  const headers = new Headers(principal({ auth_typ: 'aad', ...claims(...pairs) }));
  const proof = readProof('entra', url, headers, on);
  assert.ok(proof.ok);
  return admitCaller(listed, proof.value);
};

test('an app that is listed needs no role to send, and gets no more by it', () => {
  for (const claim of ['appid', 'azp']) {
    const found = admit(entries, [claim, APP_ID], ['oid', 'x']);
    assert.ok(found.ok, claim);
    assert.equal(found.value.id, 'caller:desk');
    assert.equal(found.value.isOperator, false);
  }
  const asOperator = [{ name: 'ops', appId: APP_ID, isOperator: true, rules: {} }];
  const found = admit(asOperator, ['azp', APP_ID]);
  assert.ok(found.ok && found.value.isOperator);
});

test('an app that is not listed needs a role, and where callers are listed an entry as well', () => {
  const other = '99999999-2222-3333-4444-555555555555';
  const isAdmitted = (...[listed, ...pairs]: Parameters<typeof admit>) => {
    const found = admit(listed, ...pairs);
    if (!found.ok) assert.equal(found.problem.code, 'caller_not_allowed');
    return found.ok;
  };
  assert.equal(isAdmitted(undefined, ['azp', APP_ID]), false);
  assert.equal(isAdmitted(undefined, ['azp', APP_ID], ['roles', 'Mail.Read']), false);
  assert.equal(isAdmitted(undefined, ['azp', APP_ID], ['roles', 'Mail.Send']), true);
  assert.equal(isAdmitted([], ['azp', APP_ID]), false);
  assert.equal(isAdmitted(entries, ['azp', other]), false);
  assert.equal(isAdmitted(entries, ['azp', other], ['roles', 'Mail.Send']), false);
  assert.equal(isAdmitted(entries, ['oid', APP_ID]), false, 'an object id is no app id');
});

test('an app id is proved by one claim that is not contradicted', () => {
  const other = '99999999-2222-3333-4444-555555555555';
  assert.ok(admit(entries, ['appid', APP_ID], ['azp', APP_ID.toUpperCase()]).ok);
  assert.ok(!admit(entries, ['appid', APP_ID], ['azp', other], ['oid', 'x']).ok);
  assert.ok(!admit(entries, ['azp', other], ['appid', APP_ID], ['oid', 'x']).ok);
});

test('a person who has signed in to a listed app needs a role of their own', () => {
  const scope = 'http://schemas.microsoft.com/identity/claims/scope';
  for (const mark of [
    ['scp', 'user_impersonation'],
    [scope, 'user_impersonation'],
    ['idtyp', 'user'],
  ] satisfies [string, string][]) {
    assert.ok(!admit(entries, ['azp', APP_ID], ['oid', 'x'], mark).ok, mark[0]);
    assert.ok(admit(entries, ['azp', APP_ID], ['oid', 'x'], mark, ['roles', 'Mail.Operate']).ok, mark[0]);
  }
  assert.ok(admit(entries, ['azp', APP_ID], ['idtyp', 'app']).ok);
});

test('a principal counts only while App Service authentication is on, and from Entra ID', () => {
  const good = { auth_typ: 'aad', ...claims(['azp', APP_ID], ['roles', 'Mail.Operate']) };
  const statusOf = (value: unknown, env: Record<string, string>) => {
    const proof = readProof('entra', url, new Headers(principal(value)), env);
    return proof.ok ? 200 : proof.problem.status;
  };
  assert.equal(statusOf(good, on), 200);
  assert.equal(statusOf(good, {}), 503);
  assert.equal(statusOf(good, { WEBSITE_AUTH_ENABLED: 'False' }), 503);
  assert.equal(statusOf({ ...good, auth_typ: 'github' }, on), 401);
  assert.equal(statusOf(claims(['roles', 'Mail.Operate']), on), 401);
  assert.equal(statusOf('{', on), 401);
});

test('a forged principal is ignored where keys are asked for', () => {
  const headers = new Headers({
    ...principal({ auth_typ: 'aad', ...claims(['azp', APP_ID], ['roles', 'Mail.Operate']) }),
    'x-functions-key': 'old',
  });
  const proof = readProof('key', url, headers, { WEBSITE_AUTH_ENABLED: 'True' });
  assert.deepEqual(proof, { ok: true, value: { kind: 'key', keySha256: sha256('old') } });
});

test('a key in the address is refused even when it is right', () => {
  const proof = readProof('key', `${url}?code=old`, new Headers(), {});
  assert.ok(!proof.ok && proof.problem.code === 'key_in_url');
});

test('every From address of a mail must be one of the caller’s', () => {
  const caller = withRules({ from: ['billing@contoso.com', '*@shop.example'] });
  for (const from of ['Billing@CONTOSO.com', 'a@shop.example']) assert.ok(checkCallerFrom(caller, from).ok, from);
  for (const from of ['ceo@contoso.com', 'a@sub.shop.example', 'a@xshop.example']) {
    const found = checkCallerFrom(caller, 'a@shop.example', from);
    assert.ok(!found.ok && found.problem.code === 'sender_not_allowed', from);
    assert.equal(found.problem.errors[0]?.pointer, '/from');
  }
  assert.ok(checkCallerFrom({ id: 'queue', isOperator: false }, 'anybody@example.com').ok);
});

test('recipients outside the caller’s domains are refused, each named with its place', () => {
  const caller = withRules({ recipientDomains: ['example.com', '*.example.org', 'ada@example.net'] });
  const good = ['a@example.com', 'a@EXAMPLE.com', 'a@x.example.org', 'a@x.y.example.org', 'Ada@example.net'];
  assert.ok(checkCallerRecipients(caller, good).ok);
  const bad = ['a@sub.example.com', 'a@badexample.com', 'a@example.org', 'a@evilexample.org', 'bo@example.net'];
  const found = checkCallerRecipients(caller, [...good, ...bad], address => `/to/${address}`);
  assert.ok(!found.ok && found.problem.status === 403 && found.problem.code === 'recipient_not_allowed');
  assert.deepEqual(
    found.problem.errors.map(error => error.pointer),
    bad.map(address => `/to/${address}`),
  );
  for (const [index, address] of bad.entries()) assert.ok(found.problem.errors[index]?.detail.startsWith(address));
  assert.ok(checkCallerRecipients(withRules({ recipientDomains: ['*'] }), bad).ok);
});

test('what is for operators is refused to others', () => {
  const traceId = '0'.repeat(32);
  assert.equal(requireOperator({ caller: { id: 'x', isOperator: true }, traceId }), undefined);
  const answer = requireOperator({ caller: { id: 'x', isOperator: false }, traceId });
  assert.equal(answer?.status, 403);
  assert.match(String(answer?.body), /caller_not_allowed/);
});
