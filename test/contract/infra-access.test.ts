import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filesOf, readText, stringsOf, tableUnder, withoutComments } from './infra-reader.ts';

const templates = await filesOf('infra/**/*.bicep');
const scripts = await filesOf('infra/**/*.ps1');

test('nothing here ever sets the keys of an app registration: a redeployment would take a renewed certificate away', async () => {
  assert.ok(templates.includes('infra/entra.bicep'));
  for (const path of [...templates, ...scripts, ...(await filesOf('infra/**/*.bicepparam'))])
    assert.doesNotMatch(await readText(path), /keyCredentials|passwordCredentials|addPassword|addKey\b/i, path);
});

test('the roles that docs/deployment.md explains are those that are given', async () => {
  const bicep = withoutComments(await readText('infra/modules/roles.bicep'));
  const vaultRoles = [...(/var vaultRoles = concat\(([\s\S]*?)\n\)/.exec(bicep)?.[1] ?? '').matchAll(/'([^']+)'/g)];
  const given = [
    ...stringsOf(bicep, 'storageRoles').map(role => `${role} on storage account`),
    ...vaultRoles.map(match => `${match[1]} on vault`),
    'Monitoring Metrics Publisher on Application Insights',
    'Storage Queue Data Message Sender on queue mail-requests',
    'Storage Blob Data Contributor on container mail-intake',
  ];
  const documented = tableUnder(await readText('docs/deployment.md'), 'Roles').map(
    ([role, scope]) => `${role} on ${scope}`,
  );
  assert.deepEqual(documented.toSorted(), given.toSorted());
  assert.equal(bicep.match(/^resource \w+ 'Microsoft\.Authorization\/roleAssignments@/gm)?.length, 5, 'read above');
  for (const [, role = ''] of bicep.matchAll(/roles\['([^']+)'\]/g))
    assert.ok(
      given.some(each => each.startsWith(role)),
      role,
    );
  const known = [...(/var roles = \{([^}]*)\}/.exec(bicep)?.[1] ?? '').matchAll(/'([^']+)': '[0-9a-f-]{36}'/g)];
  for (const [, role = ''] of known)
    assert.ok(
      given.some(each => each.startsWith(role)),
      `${role} is given to nobody`,
    );
});

test('role assignments stand in modules/roles.bicep alone, and the app waits for them', async () => {
  for (const path of templates.filter(each => each !== 'infra/modules/roles.bicep'))
    assert.doesNotMatch(await readText(path), /roleAssignments@/, path);
  assert.match(await readText('infra/main.bicep'), /module app [\s\S]*?dependsOn: \[roles\]/);
});

test('the app roles are those that the app asks for, with the same ids in Bicep and PowerShell', async () => {
  const idsIn = (text: string) =>
    Object.fromEntries(
      [...text.matchAll(/'(Mail\.\w+)'\s*[:=]\s*'([0-9a-f-]{36})'/g)].map(([, role, id]) => [role, id]),
    );
  const bicep = idsIn(await readText('infra/entra.bicep'));
  assert.deepEqual(idsIn(await readText('infra/entra/Register-ExosendEntraApp.ps1')), bicep);
  const asked = [...(await readText('functions/caller.ts')).matchAll(/'(Mail\.[A-Z]\w+)'/g)].map(match => match[1]);
  assert.deepEqual(Object.keys(bicep).toSorted(), [...new Set(asked)].toSorted());
});

test('App Service authentication leaves open what the app answers to anybody, and nothing else', async () => {
  const open = stringsOf(await readText('infra/modules/authentication.bicep'), 'openPaths');
  const main = await readText('functions/main.ts');
  const anonymous = [...main.matchAll(/publicHttp\(\s*'\w+',\s*'([^']+)'/g)].map(match => `/api/${match[1]}`);
  assert.deepEqual(
    open.filter(path => !anonymous.includes(path)),
    [],
  );
  assert.deepEqual(
    anonymous.filter(path => !open.includes(path)),
    [],
  );
});

test('secrets have no place in parameters: where one is needed, its name in Key Vault stands', async () => {
  const types = withoutComments(await readText('infra/types.bicep')).replace(/'(?:\\'|[^'\n])*'/g, "''");
  const properties = [...types.matchAll(/\b(\w*(?:secret|key|password|token)\w*)\??:/gi)].map(match => match[1]);
  assert.deepEqual([...new Set(properties)].toSorted(), ['keyName', 'keySha256', 'secretName']);
  assert.equal(types.match(/@sealed\(\)/g)?.length, types.match(/^type \w+ = \{/gm)?.length, 'every shape is closed');
});

test('every parameter says whether it is required', async () => {
  for (const path of templates.filter(each => !each.endsWith('types.bicep'))) {
    const text = await readText(path);
    for (const [, name = ''] of text.matchAll(/^param (\w+) /gm)) {
      const before =
        text
          .slice(0, text.search(new RegExp(`^param ${name} `, 'm')))
          .trimEnd()
          .split('\n\n')
          .at(-1) ?? '';
      assert.match(before, /@description\('(?:Required|Optional)\. /, `${path}: ${name}`);
      const isOptional = new RegExp(`^param ${name} [^\n]*[^=]= `, 'm').test(text);
      assert.match(before, isOptional ? /'Optional\. / : /'Required\. /, `${path}: ${name}`);
    }
  }
});

test('scripts explain themselves, and what changes something can be tried with -WhatIf', async () => {
  assert.equal(scripts.length, 6);
  for (const path of scripts) {
    const text = await readText(path);
    for (const part of ['.SYNOPSIS', '.DESCRIPTION', '.EXAMPLE', '.OUTPUTS'])
      assert.ok(text.includes(part), `${path}: ${part}`);
    const params = /\nparam\(\n([\s\S]*?)\n\)\n/.exec(text)?.[1] ?? '';
    for (const [, name] of params.matchAll(/^ {4}\[[^\n]*\]\$(\w+)/gm))
      assert.ok(text.includes(`.PARAMETER ${name}\n`), `${path}: ${name}`);
    const changes = !/\/(?:Get|Test)-/.test(path);
    assert.equal(/SupportsShouldProcess/.test(text), changes, path);
    assert.match(text, /^#Requires -Modules /m, path);
  }
});

test('the next steps that a deployment prints name scripts and parameters that exist', async () => {
  const texts = await Promise.all(['infra/main.bicep', 'infra/entra.bicep'].map(readText));
  const commands = texts.flatMap(text => [...text.matchAll(/'\.\/(infra\/\S+\.ps1)([^\n]*)/g)]);
  assert.ok(commands.length >= 5);
  for (const [, path = '', rest = ''] of commands) {
    const script = await readText(path);
    for (const [, name = ''] of rest.matchAll(/ -([A-Z]\w+)/g))
      assert.match(script, new RegExp(`\\]\\$${name}\\b`), `${path} -${name}`);
  }
});

test('workflows ask for little, and actions are pinned by commit', async () => {
  for (const path of await filesOf('.github/workflows/*.yml')) {
    const text = await readText(path);
    assert.match(text, /^permissions:\n {2}contents: read$/m, path);
    for (const [, action = ''] of text.matchAll(/uses: (\S+)/g))
      assert.match(action, /@[0-9a-f]{40}$/, `${path}: ${action}`);
    assert.doesNotMatch(text, /secrets\./, `${path} needs no secret`);
    // What a person types in must not become part of a script.
    for (const [, script = ''] of text.matchAll(/run: ((?:.|\n {8,})*)/g)) assert.doesNotMatch(script, /\$\{\{/, path);
  }
});
