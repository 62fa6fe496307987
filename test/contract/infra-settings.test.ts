import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { readCode, readText, tableUnder, withoutComments } from './infra-reader.ts';

/**
 * Settings that the templates set ahead of the code. Take out what the code reads by now; the first test says which.
 */
const PLANNED: readonly string[] = [];
/** What the platform sets or reads by itself. */
const PLATFORM = [
  'APPLICATIONINSIGHTS_AUTHENTICATION_STRING',
  'APPLICATIONINSIGHTS_CONNECTION_STRING',
  'AzureWebJobsStorage__credential',
  'FUNCTIONS_WORKER_RUNTIME',
  'IDENTITY_ENDPOINT',
  'MSI_ENDPOINT',
  'WEBSITE_AUTH_ENABLED',
  'WEBSITE_HOSTNAME',
  'WEBSITE_INSTANCE_ID',
];
/** Other ways to say where the storage account is; a deployment uses the three addresses. */
const OTHER_WAYS = ['AzureWebJobsStorage', 'AzureWebJobsStorage__accountName'];

const NAME = /^(?:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|AzureWebJobsStorage\w*)$/;
let inCode: Set<string>;
let inBicep: Set<string>;
let inSample: Set<string>;

const without = (names: Iterable<string>, ...others: Iterable<string>[]): string[] => {
  const taken = new Set(others.flatMap(other => [...other]));
  return [...names].filter(name => !taken.has(name)).toSorted();
};

before(async () => {
  const code = await readCode();
  const read = [
    ...code.matchAll(
      /\b(?:read\.(?:optional|required|url|number|oneOf|json|has)|credentialPart)\(\s*['`]([^'`]+)['`]/g,
    ),
    ...code.matchAll(/\b(?:process\.env|env|environment)\[['`]([^'`]+)['`]\]/g),
  ];
  const names = read.flatMap(([, name = '']) =>
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the code's own template, read as text
    name.includes('${service}') ? ['blob', 'queue', 'table'].map(one => name.replace('${service}', one)) : [name],
  );
  inCode = new Set(names.filter(name => NAME.test(name)));
  const bicep = `${await readText('infra/settings.bicep')}\n${await readText('infra/modules/app.bicep')}`;
  const keys = [...withoutComments(bicep).matchAll(/(?:^|\{)\s*(\w+):/gm)].map(match => match[1] ?? '');
  inBicep = new Set(keys.filter(name => NAME.test(name)));
  const sample = JSON.parse(await readText('local.settings.sample.json')) as { Values: Record<string, string> };
  inSample = new Set(Object.keys(sample.Values));
});

test('what was planned and is read by now is planned no longer', () => {
  assert.deepEqual(
    PLANNED.filter(name => inCode.has(name)),
    [],
  );
});

test('the reading of code and templates finds settings at all', () => {
  for (const name of ['KEY_VAULT_URL', 'MAIL_SENDERS', 'AZURE_CLIENT_ID', 'AzureWebJobsStorage__queueServiceUri']) {
    assert.ok(inCode.has(name), `${name} in code`);
    assert.ok(inBicep.has(name), `${name} in Bicep`);
  }
});

test('each setting that a deployment makes is read by the code', () => {
  assert.deepEqual(without(inBicep, inCode, PLANNED, PLATFORM), []);
});

test('each setting that the code reads is made by a deployment', () => {
  assert.deepEqual(without(inCode, inBicep, PLATFORM, OTHER_WAYS), []);
});

test('the sample file has the settings of the code, and no others', () => {
  const identityForm = [...inCode].filter(name => name.startsWith('AzureWebJobsStorage__'));
  assert.deepEqual(without(inCode, inSample, PLATFORM, identityForm), []);
  assert.deepEqual(without(inSample, inCode, PLANNED, PLATFORM), []);
});

test('docs/deployment.md lists the settings that a deployment makes, with the parameter of each', async () => {
  const rows = tableUnder(await readText('docs/deployment.md'), 'Settings and parameters');
  const documented = rows.flatMap(([settings = '']) => settings.split(', '));
  assert.deepEqual(documented.toSorted(), [...inBicep].toSorted());
  const main = await readText('infra/main.bicep');
  for (const [, parameters = ''] of rows) {
    for (const name of parameters.split(', ').filter(each => /^\w+$/.test(each)))
      assert.match(main, new RegExp(`^param ${name} `, 'm'));
  }
});

test('MAIL_CALLERS is left out where nobody is named: the app takes an empty list for a mistake', async () => {
  const settings = await readText('infra/settings.bicep');
  assert.match(settings, /\.\.\.\(empty\(mail\.callers\) \? \{\} : \{ MAIL_CALLERS: string\(mail\.callers\) \}\)/);
  assert.equal(settings.match(/MAIL_CALLERS:/g)?.length, 1);
});

test('no setting that Flex Consumption refuses or ignores is made', () => {
  const refused = ['FUNCTIONS_WORKER_RUNTIME', 'FUNCTIONS_EXTENSION_VERSION', 'WEBSITE_RUN_FROM_PACKAGE'];
  const ignored = ['SCM_DO_BUILD_DURING_DEPLOYMENT', 'ENABLE_ORYX_BUILD', 'WEBSITE_TIME_ZONE', 'AzureWebJobsStorage'];
  for (const name of [...refused, ...ignored]) assert.ok(!inBicep.has(name), name);
});
