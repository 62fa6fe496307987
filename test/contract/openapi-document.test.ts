import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { API_VERSION, openApiDocument } from '../../functions/openapi/document.ts';
import type { MediaType, Operation, Parameter } from '../../functions/openapi/document-types.ts';
import { PROBLEM_CODES, QUEUE_ONLY_CODES, statusOfCode } from '../../functions/openapi/problem-codes.ts';
import { findEntry } from '../../shared/domain/diagnosis/catalogue.ts';
import { exampleValue, fits, resolveRef } from './openapi-reader.ts';

const document = openApiDocument('https://exosend.example.com/api');
const { components, paths } = document;
const routes = Object.entries(paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]): [string, string, Operation] => [path, method, operation]),
);

describe('the document as OpenAPI 3.1', () => {
  test('is plain JSON, says its version, and is the same at every call', async () => {
    assert.deepEqual(JSON.parse(JSON.stringify(document)), document);
    assert.match(document.openapi, /^3\.1\.\d+$/);
    assert.deepEqual(openApiDocument('https://exosend.example.com/api'), document);
    assert.equal(openApiDocument().servers[0]?.url, '/api');
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    assert.equal(API_VERSION, version);
  });

  test('has only the members that the specification knows', () => {
    const known = (value: object, names: string) =>
      assert.deepEqual(
        Object.keys(value).filter(name => !names.split(' ').includes(name)),
        [],
        names,
      );
    known(document, 'openapi info servers security tags paths components');
    known(document.info, 'title version summary description license');
    known(components, 'securitySchemes schemas parameters headers examples');
    for (const [path, item] of Object.entries(paths)) {
      assert.match(path, /^\//);
      known(item, 'get put post delete patch');
    }
    for (const [, , operation] of routes) {
      known(operation, 'operationId tags summary description parameters requestBody responses security');
      for (const response of Object.values(operation.responses)) {
        known(response, 'description headers content');
        assert.ok(response.description);
      }
      for (const media of mediaOf(operation)) known(media, 'schema examples encoding');
      for (const parameter of parametersOf(operation))
        known(parameter, 'name in description required schema example explode');
    }
    for (const name of Object.values(components).flatMap(Object.keys)) assert.match(name, /^[\w.-]+$/);
  });

  test('every reference leads somewhere, and every component is referred to', () => {
    const refs = new Set([...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(match => match[1] ?? ''));
    for (const ref of refs) assert.ok(resolveRef(document, ref), ref);
    for (const [kind, entries] of Object.entries(components)) {
      if (kind === 'securitySchemes') continue;
      for (const name of Object.keys(entries)) {
        const isQueueOnly = kind === 'examples' && [...QUEUE_ONLY_CODES].includes(name as never);
        assert.equal(refs.has(`#/components/${kind}/${name}`), !isQueueOnly, `${kind}/${name}`);
      }
    }
  });

  test('operations have names of their own, declared tags, declared ways of proving who calls', () => {
    const ids = routes.map(([, , { operationId }]) => operationId);
    assert.equal(new Set(ids).size, ids.length);
    for (const [, , { tags, security = document.security, summary, description }] of routes) {
      assert.ok(summary && description);
      for (const tag of tags)
        assert.ok(
          document.tags.some(({ name }) => name === tag),
          tag,
        );
      for (const name of security.flatMap(Object.keys)) assert.ok(components.securitySchemes[name], name);
    }
  });

  test('the parameters of a path are those that stand in it, and no parameter is given twice', () => {
    for (const [path, , operation] of routes) {
      const parameters = parametersOf(operation);
      const inPath = parameters.filter(parameter => parameter.in === 'path');
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(match => match[1]);
      assert.deepEqual(
        inPath.map(({ name }) => name),
        names,
        path,
      );
      assert.ok(inPath.every(({ required }) => required));
      assert.equal(new Set(parameters.map(parameter => `${parameter.in} ${parameter.name}`)).size, parameters.length);
    }
  });

  test('every example fits its schema', () => {
    let count = 0;
    const check = (schema: object, value: unknown, where: string) => {
      assert.deepEqual(fits(document, schema, value), [], where);
      count++;
    };
    for (const [path, method, operation] of routes) {
      for (const media of mediaOf(operation)) {
        for (const example of Object.values(media.examples ?? {}))
          check(media.schema, exampleValue(document, example), `${method} ${path}`);
      }
      for (const { name, schema, example } of parametersOf(operation))
        if (example !== undefined) check(schema, example, name);
    }
    for (const schema of Object.values(components.schemas))
      for (const example of schema.examples ?? []) check(schema, example, 'schema');
    assert.ok(count > 60, String(count));
  });
});

describe('refusals', () => {
  test('every code stands in the table with the title of the catalogue, and under its status', () => {
    for (const code of PROBLEM_CODES) {
      const title = findEntry(code)?.title;
      assert.ok(title, `${code} is not in the catalogue`);
      const status = QUEUE_ONLY_CODES.has(code) ? 'queue' : statusOfCode(code);
      assert.ok(document.info.description.includes(`| \`${code}\` | ${status} | ${title} |`), code);
    }
    for (const [, , { responses }] of routes) {
      for (const [status, { content }] of Object.entries(responses)) {
        for (const code of Object.keys(content?.['application/problem+json']?.examples ?? {}))
          assert.equal(statusOfCode(code as never), Number(status), code);
      }
    }
  });

  test('every code that HTTP can give belongs to an operation', () => {
    const told = new Set(
      routes.flatMap(([, , { responses }]) =>
        Object.values(responses).flatMap(({ content }) =>
          Object.keys(content?.['application/problem+json']?.examples ?? {}),
        ),
      ),
    );
    assert.deepEqual(
      PROBLEM_CODES.filter(code => !told.has(code)),
      [...QUEUE_ONLY_CODES],
    );
  });
});

function mediaOf({ requestBody, responses }: Operation): MediaType[] {
  return [requestBody?.content, ...Object.values(responses).map(({ content }) => content)].flatMap(content =>
    Object.values(content ?? {}),
  );
}

function parametersOf({ parameters = [] }: Operation): Parameter[] {
  return parameters.map(parameter =>
    '$ref' in parameter ? (resolveRef(document, parameter.$ref) as Parameter) : parameter,
  );
}
