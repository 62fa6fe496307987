import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { openApiDocument } from '../../functions/openapi/document.ts';
import { docsPageHtml, PAGE_POLICY } from '../../functions/openapi/page.ts';

const document = openApiDocument('https://exosend.example.com/api');
const page = docsPageHtml(document);
/** Markup without what stands in style and script. */
const markup = page.replace(/<(style|script)>.*?<\/\1>/gs, '<$1></$1>');
const tags = [...markup.matchAll(/<(\/?)([a-z][a-z0-9]*)((?:\s+[a-z-]+(?:="[^"<>]*")?)*)\s*>/g)].map(
  ([, slash, name = '', attributes = '']) => ({
    name,
    isEnd: slash === '/',
    attributes: new Map(
      [...attributes.matchAll(/([a-z-]+)(?:="([^"]*)")?/g)].map(([, key = '', value = '']) => [key, value]),
    ),
  }),
);
const started = tags.filter(({ isEnd }) => !isEnd);
const values = (attribute: string) => started.flatMap(({ attributes }) => attributes.get(attribute) ?? []);

test('every tag that opens closes, in order, and nothing else looks like a tag', () => {
  const open: string[] = [];
  for (const { name, isEnd } of tags) {
    if (name === 'meta') continue;
    if (isEnd) assert.equal(open.pop(), name);
    else open.push(name);
  }
  assert.deepEqual(open, []);
  assert.equal(markup.match(/</g)?.length, tags.length + 1, 'tags, and the doctype');
});

test('the page loads nothing: no address but links, no style or script but its own two', () => {
  const addressed = started.filter(({ attributes }) =>
    ['src', 'srcset', 'data', 'action'].some(name => attributes.has(name)),
  );
  assert.deepEqual(addressed, []);
  assert.ok(started.filter(({ attributes }) => attributes.has('href')).every(({ name }) => name === 'a'));
  assert.deepEqual(
    started.filter(({ attributes }) => [...attributes.keys()].some(name => /^(on|style$)/.test(name))),
    [],
  );
  const [style = '', script = ''] = ['style', 'script'].map(name => {
    const found = [...page.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'gs'))];
    assert.equal(found.length, 1, name);
    return found[0]?.[1] ?? '';
  });
  assert.doesNotMatch(style, /@import|url\(/);
  const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  assert.equal(
    PAGE_POLICY,
    `default-src 'none'; style-src ${hash(style)}; script-src ${hash(script)}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
});

test('ids are given once, and links within the page lead to one', () => {
  const ids = values('id');
  assert.equal(new Set(ids).size, ids.length);
  for (const link of values('href').filter(href => href.startsWith('#'))) assert.ok(ids.includes(link.slice(1)), link);
  for (const id of values('aria-labelledby')) assert.ok(ids.includes(id), id);
});

test('every operation, parameter, status, schema and code has its place', () => {
  const ids = values('id');
  for (const item of Object.values(document.paths)) {
    for (const { operationId, responses } of Object.values(item)) {
      assert.ok(ids.includes(operationId), operationId);
      const section =
        markup.slice(markup.indexOf(`<section class="operation" id="${operationId}"`)).split('</section>')[0] ?? '';
      for (const status of Object.keys(responses))
        assert.ok(section.includes(`>${status}</span>`), `${operationId} ${status}`);
      assert.match(section, /<pre[^>]*><code>curl /);
    }
  }
  for (const name of Object.keys(document.components.schemas)) assert.ok(ids.includes(`schema-${name}`), name);
  for (const code of Object.keys(document.components.examples)) assert.ok(ids.includes(`problem-${code}`), code);
  for (const { name } of Object.values(document.components.parameters))
    assert.ok(markup.includes(`<code>${name}</code>`), name);
});

test('it can be walked by keyboard and heard: landmarks, levels of headings, names', () => {
  for (const name of ['header', 'nav', 'main', 'h1'])
    assert.equal(started.filter(tag => tag.name === name).length, 1, name);
  assert.equal(started.find(({ name }) => name === 'a')?.attributes.get('href'), '#main');
  let level = 0;
  for (const { name } of started.filter(tag => /^h[1-6]$/.test(tag.name))) {
    assert.ok(Number(name[1]) <= level + 1, `${name} after h${level}`);
    level = Number(name[1]);
  }
  const buttons = started.filter(({ name }) => name === 'button').map(({ attributes }) => attributes);
  assert.ok(buttons.length > 15);
  for (const attributes of buttons) assert.ok(attributes.get('type') === 'button' && attributes.get('aria-label'));
  for (const { attributes } of started.filter(({ name }) => name === 'pre'))
    assert.ok(attributes.get('tabindex') === '0' && attributes.get('aria-label'));
  assert.match(page, /<html lang="en">/);
});

test('what stands in the document stays text', () => {
  const hostile = `https://x.example/"'><img src=x onerror=alert(1)>`;
  const found = docsPageHtml({
    ...document,
    servers: [{ url: hostile }],
    info: { ...document.info, title: '<script>alert(1)</script>', description: '`<b>` **<i>** [<u>](<a>) | <s> |' },
  });
  for (const tag of ['<img', '<script>alert', '<b>', '<i>', '<u>', '<s>']) assert.ok(!found.includes(tag), tag);
});
