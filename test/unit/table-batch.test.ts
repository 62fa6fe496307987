import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusOf, storageCodeOf } from '../../shared/adapters/storage/storage-fault.ts';
import { batchBody } from '../../shared/adapters/storage/table-batch.ts';
import { readBatchAnswer } from '../../shared/adapters/storage/table-batch-answer.ts';

/** An answer as the service writes it: what it sends for a change set, part by part. */
function answerOf(...parts: readonly string[]): string {
  const set = 'changesetresponse_d6331212-240f-48b4-800b-e7869156dfb1';
  const batch = 'batchresponse_b06b0418-2b41-4141-92fe-0e9310a6c216';
  const head = 'Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n';
  return [
    `--${batch}\r\nContent-Type: multipart/mixed; boundary=${set}\r\n\r\n`,
    ...parts.map(part => `--${set}\r\n${head}${part}\r\n`),
    `--${set}--\r\n--${batch}--\r\n`,
  ].join('');
}

const etag = (hundredths: number) => `W/"datetime'2026-11-21T21%3A43%3A46.70264${hundredths}Z'"`;
const common = 'X-Content-Type-Options: nosniff\r\nCache-Control: no-cache\r\nDataServiceVersion: 1.0;\r\n';
const updated = `HTTP/1.1 204 No Content\r\n${common}ETag: ${etag(99)}\r\n\r\n`;
const address = "https://contoso.table.core.windows.net/messages(PartitionKey='m',RowKey='HTTP/1.1 500 ETag: no')";
const created = `HTTP/1.1 204 No Content\r\n${common}Preference-Applied: return-no-content\r\nLocation: ${address}\r\nDataServiceId: ${address}\r\nETag: ${etag(98)}\r\n\r\n`;
const deleted = `HTTP/1.1 204 No Content\r\n${common}\r\n`;

function refused(status: string, code: string, text: string): string {
  const body = `{"odata.error":{"code":"${code}","message":{"lang":"en-US","value":"1:${text}\\nRequestId:b2fd94d9-3002-0090-248b-6414f3000000\\nTime:2026-11-21T21:43:46.7026499Z"}}}`;
  return `HTTP/1.1 ${status}\r\nX-Content-Type-Options: nosniff\r\nDataServiceVersion: 3.0;\r\nContent-Type: application/json;odata=minimalmetadata;streaming=true;charset=utf-8\r\n\r\n${body}`;
}

function failureOf(status: number, text: string, errorCode?: string): unknown {
  try {
    readBatchAnswer({ status, text, errorCode }, 2);
  } catch (error) {
    return { status: statusOf(error), code: storageCodeOf(error) };
  }
  return undefined;
}

test('the ETags come in the order of the operations; a deletion has none', () => {
  const text = answerOf(created, deleted, updated);
  assert.deepEqual(readBatchAnswer({ status: 202, text }, 3), [etag(98), undefined, etag(99)]);
});

test('line feeds alone do as well', () => {
  const text = answerOf(created, updated).replaceAll('\r\n', '\n');
  assert.deepEqual(readBatchAnswer({ status: 202, text }, 2), [etag(98), etag(99)]);
});

test('an operation refused within 202 is a failure with its own status and code', () => {
  for (const [status, code] of [
    ['409 Conflict', 'EntityAlreadyExists'],
    ['412 Precondition Failed', 'UpdateConditionNotSatisfied'],
    ['404 Not Found', 'ResourceNotFound'],
    ['404 Not Found', 'TableNotFound'],
    ['400 Bad Request', 'InvalidDuplicateRow'],
    ['503 Service Unavailable', 'ServerBusy'],
  ] as const) {
    const text = answerOf(refused(status, code, 'Words with "code" and HTTP/1.1 204 in them.'));
    assert.deepEqual(failureOf(202, text), { status: Number.parseInt(status, 10), code });
  }
});

test('a request refused as a whole: JSON, XML, a header, or nothing to go by', () => {
  const json =
    '{"odata.error":{"code":"RequestBodyTooLarge","message":{"lang":"en-US","value":"The request body is too large."}}}';
  const xml =
    '<?xml version="1.0" encoding="utf-8" standalone="yes"?><m:error xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"><m:code>AuthenticationFailed</m:code><m:message xml:lang="en-US">Server failed to authenticate the request.</m:message></m:error>';
  assert.deepEqual(failureOf(413, json), { status: 413, code: 'RequestBodyTooLarge' });
  assert.deepEqual(failureOf(403, xml), { status: 403, code: 'AuthenticationFailed' });
  assert.deepEqual(failureOf(403, '', 'AuthorizationFailure'), { status: 403, code: 'AuthorizationFailure' });
  assert.deepEqual(failureOf(502, '<html>Bad gateway</html>'), { status: 502, code: '' });
  assert.deepEqual(failureOf(401, ''), { status: 401, code: '' });
});

test('fewer or more answers than operations are no success', () => {
  for (const text of ['', 'OK', answerOf(created), answerOf(created, updated, deleted)])
    assert.deepEqual(failureOf(202, text), { status: undefined, code: 'UnreadableAnswer' });
});

test('a transaction is ASCII with CRLF throughout, its keys escaped, its boundary in no entity', () => {
  const hostile = "o'Brien 100% /\\#?&=+ü🎉)";
  const body = batchBody('ID', 'https://contoso.table.core.windows.net/messages', [
    [
      'create',
      { partitionKey: 'm', rowKey: hostile, text: 'a\r\n--changeset_ID--\r\n\u2028🎉', bytes: Buffer.from('ü') },
    ],
    ['update', { partitionKey: 'm', rowKey: hostile, gone: undefined, n: 1 }, 'Merge', { etag: 'W/"1"' }],
    ['update', { partitionKey: 'm', rowKey: '2', yes: true }, 'Replace'],
    ['upsert', { partitionKey: 'm', rowKey: '3' }, 'Replace'],
    ['delete', { partitionKey: 'm', rowKey: '4' }],
  ]);
  assert.doesNotMatch(body, /[^\r\n -~]/);
  assert.doesNotMatch(body.replaceAll('\r\n', ''), /[\r\n]/);
  assert.equal(body.split('\r\n--changeset_ID--\r\n').length, 2);
  const key = `o''Brien%20100%25%20%2F%5C%23%3F%26%3D%2B%C3%BC%F0%9F%8E%89)`;
  const requests = [...body.matchAll(/^(\w+) (\S+) HTTP\/1\.1\r\n((?:.+\r\n)*)\r\n(.*)/gm)];
  const row = (name: string) => `https://contoso.table.core.windows.net/messages(PartitionKey='m',RowKey='${name}')`;
  assert.deepEqual(
    requests.map(([, method, url, head]) => [method, url, /^If-Match: (.*)$/m.exec(head ?? '')?.[1]]),
    [
      ['POST', 'https://contoso.table.core.windows.net/messages', undefined],
      ['PATCH', row(key), 'W/"1"'],
      ['PUT', row('2'), '*'],
      ['PUT', row('3'), undefined],
      ['DELETE', row('4'), '*'],
    ],
  );
  assert.deepEqual(JSON.parse(requests[0]?.[4] ?? ''), {
    PartitionKey: 'm',
    RowKey: hostile,
    text: 'a\r\n--changeset_ID--\r\n\u2028🎉',
    bytes: 'w7w=',
    'bytes@odata.type': 'Edm.Binary',
  });
  assert.deepEqual(JSON.parse(requests[1]?.[4] ?? ''), { PartitionKey: 'm', RowKey: hostile, n: 1 });
});

test('types that the table does not use are refused, not stored as something else', () => {
  for (const value of [null, new Date(), 1n, {}, Number.NaN])
    assert.throws(
      () => batchBody('ID', 'https://x/t', [['create', { partitionKey: 'm', rowKey: '1', value }]]),
      TypeError,
    );
});
