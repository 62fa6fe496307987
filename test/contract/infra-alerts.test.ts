import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { catalogueSections } from '../../shared/domain/diagnosis/catalogue.ts';
import { readCode, readText, stringsOf, tableUnder } from './infra-reader.ts';

/**
 * Events that the rules wait for ahead of the code, with the fields and codes that they will carry. Take out what the
 * code logs by now; the first test says which.
 */
const PLANNED: Readonly<Record<string, { readonly fields: readonly string[]; readonly codes?: readonly string[] }>> =
  {};

interface Rule {
  readonly name: string;
  readonly splitBy: readonly string[];
  readonly query: string;
  readonly events: readonly string[];
}

let rules: Rule[];
let bicep: string;
let code: string;

before(async () => {
  bicep = await readText('infra/alert-rules.bicep');
  code = await readCode();
  const bodies = bicep
    .slice(bicep.indexOf('func alertRules'))
    .split(/\n {2}\{\n/)
    .slice(1);
  rules = bodies.map(body => {
    const query = /\n {4}query: (.*)/.exec(body)?.[1] ?? '';
    const events = [...query.matchAll(/linesOf\([\w.]+, \[([^\]]*)\]\)/g)].flatMap(([, list = '']) =>
      [...list.matchAll(/'([^']+)'/g)].map(match => match[1] ?? ''),
    );
    return { name: /name: '([^']+)'/.exec(body)?.[1] ?? '', splitBy: stringsOf(body, 'splitBy'), query, events };
  });
});

/** The text of the log call of an event; messages' ends are logged by one call for all statuses. */
function logCallOf(event: string): string | undefined {
  const literal = code.indexOf(`event: '${event}'`);
  const template = code.indexOf('event: `message.${');
  const at = literal >= 0 || !event.startsWith('message.') ? literal : template;
  return at < 0 ? undefined : code.slice(at, code.indexOf('});', at));
}

test('what was planned and is logged by now is planned no longer', () => {
  for (const event of Object.keys(PLANNED)) assert.equal(logCallOf(event), undefined, event);
});

test('there is a rule for each thing that has to be told', () => {
  const wanted = [
    'probe-failing',
    'probe-silent',
    'certificate-near-expiry',
    'poison-recorded',
    'message-overdue',
    'throttling',
    'http-5xx',
  ];
  for (const name of wanted)
    assert.ok(
      rules.some(rule => rule.name === name && rule.query.length > 50),
      name,
    );
});

test('rules wait for events that the code logs', () => {
  const events = rules.flatMap(rule => rule.events);
  assert.ok(events.length >= 10);
  for (const event of events) assert.ok(event in PLANNED || logCallOf(event) !== undefined, event);
  const statuses = /export type MessageStatus = ([^;]+);/.exec(code)?.[1] ?? '';
  for (const event of events.filter(each => each.startsWith('message.')))
    assert.ok(statuses.includes(`'${event.slice('message.'.length)}'`), event);
});

test('rules use fields that these events carry', () => {
  const projected = /project TimeGenerated, event, (.*)'/.exec(bicep)?.[1] ?? '';
  const fields = [...projected.matchAll(/(\w+) = tostring\(line\.(\w+)\)/g)].map(([, name, field]) => {
    assert.equal(name, field);
    return name ?? '';
  });
  assert.deepEqual(fields, ['mailbox', 'code', 'state', 'detail']);
  for (const { name, events, splitBy, query } of rules) {
    const used = fields.filter(field => splitBy.includes(field) || new RegExp(`\\b${field}\\b (?:==|in)`).test(query));
    for (const event of events) {
      const known =
        PLANNED[event]?.fields ?? fields.filter(field => new RegExp(`\\b${field}\\b`).test(logCallOf(event) ?? ''));
      for (const field of used) assert.ok(known.includes(field), `${name}: ${event} carries no ${field}`);
    }
  }
});

test('no rule uses search or union: Azure Monitor takes neither in a log-search alert', () => {
  for (const { name, query } of rules) assert.doesNotMatch(query, /\b(?:union|search)\b/, name);
});

test('rules name codes that the code knows', () => {
  for (const { name, events, query } of rules) {
    for (const [, found = ''] of query.matchAll(/code == "([^"]+)"/g)) {
      const planned = events.flatMap(event => PLANNED[event]?.codes ?? []);
      assert.ok(planned.includes(found) || code.includes(`'${found}'`), `${name}: ${found}`);
    }
  }
});

test('throttling means the codes of the catalogue that Exchange asks for patience with', async () => {
  const throttled = catalogueSections
    .flatMap(section => section.entries)
    .filter(entry => entry.class === 'throttled' && entry.code.startsWith('smtp_'))
    .map(entry => entry.code);
  const named = stringsOf(await readText('infra/modules/alerts.bicep'), 'throttledCodes');
  assert.deepEqual(named.toSorted(), throttled.toSorted());
});

test('a log line is found in the message, whatever stands before or behind it', () => {
  const source = /extract\(@"([^"]+)", 0, Message\)/.exec(bicep)?.[1] ?? '';
  // Bicep writes a backslash twice; KQL's @"…" and its RE2 then read what is left as JavaScript does.
  const pattern = new RegExp(source.replaceAll('\\\\', '\\'));
  const line = { event: 'breaker.opened', mailbox: 'billing@contoso.com', detail: 'a "quoted" {brace}' };
  for (const message of ['$', '[Information] $', 'Executing: $ (Id=1)', '$\r\n'].map(text =>
    text.replace('$', JSON.stringify(line)),
  )) {
    assert.match(message, /\bevent\b/);
    assert.deepEqual(JSON.parse(pattern.exec(message)?.[0] ?? 'null'), line);
  }
});

test('every mailbox without a result of the probe is told, also when no line arrived at all', () => {
  const silent = rules.find(rule => rule.name === 'probe-silent');
  // A summary without groups gives its one row over nothing, too.
  assert.match(silent?.query ?? '', /summarize heard = make_set\(tolower\(mailbox\)\) \|/);
  assert.match(silent?.query ?? '', /set_difference\(dynamic\(\$\{string\(given\.mailboxes\)\}\), heard\)/);
});

test('docs/deployment.md lists the rules', async () => {
  const rows = tableUnder(await readText('docs/deployment.md'), 'Alerts');
  assert.deepEqual(
    rows.map(([name]) => name),
    rules.map(({ name }) => name),
  );
});
