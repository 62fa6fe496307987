import { randomUUID } from 'node:crypto';
import type { TableClient, TransactionAction } from '@azure/data-tables';
import { readBatchAnswer } from './table-batch-answer.ts';

/**
 * Submits an entity-group transaction through the SDK client's own pipeline, which authenticates, retries and logs; gives
 * the new ETags in the order of `actions`. Throws TableBatchError for a refusal, the SDK's RestError when no answer came.
 *
 * Why not `TableClient.submitTransaction`: it makes a client with a pipeline of its own for each call, and sends each
 * operation through that to catch it as text. That takes more time than all the rest of accepting a small mail.
 *
 * Source: Table service REST API, "Performing entity group transactions"; headers as the SDK sends them, read 2026-11.
 */
export async function submitBatch(
  table: TableClient,
  actions: readonly TransactionAction[],
): Promise<readonly (string | undefined)[]> {
  rest ??= loadRest();
  const { createHttpHeaders, createPipelineRequest, httpClient } = await rest;
  const [address = '', signature] = table.url.split('?', 2);
  const root = address.replace(/\/+$/, '');
  const id = randomUUID();
  const response = await table.pipeline.sendRequest(
    httpClient,
    createPipelineRequest({
      method: 'POST',
      // A signature (SAS) belongs to the request and to none of its operations.
      url: `${root}/$batch${signature === undefined ? '' : `?${signature}`}`,
      // The client was made for this address; whether http is fine was settled there.
      allowInsecureConnection: root.startsWith('http:'),
      headers: createHttpHeaders({
        Accept: 'application/json',
        'Content-Type': `multipart/mixed; boundary=batch_${id}`,
        DataServiceVersion: '3.0;',
        MaxDataServiceVersion: '3.0;NetFx',
        'x-ms-version': '2019-02-02',
      }),
      body: batchBody(id, `${root}/${table.tableName}`, actions),
    }),
  );
  const errorCode = response.headers.get('x-ms-error-code');
  return readBatchAnswer({ status: response.status, text: response.bodyAsText ?? '', errorCode }, actions.length);
}

/** Loaded with the first transaction, as the SDK itself. Its clients share the agents of Node, and so their connections. */
let rest: ReturnType<typeof loadRest> | undefined;
async function loadRest() {
  const { createDefaultHttpClient, createHttpHeaders, createPipelineRequest } = await import(
    '@azure/core-rest-pipeline'
  );
  return { createHttpHeaders, createPipelineRequest, httpClient: createDefaultHttpClient() };
}

/** The transaction as `multipart/mixed` with one change set, ASCII throughout. `table` is the table's address. */
export function batchBody(id: string, table: string, actions: readonly TransactionAction[]): string {
  let body = `--batch_${id}\r\nContent-Type: multipart/mixed; boundary=changeset_${id}\r\n\r\n`;
  for (const action of actions) {
    body += `--changeset_${id}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n`;
    body += `${operationOf(table, action)}\r\n`;
  }
  return `${body}--changeset_${id}--\r\n--batch_${id}--\r\n`;
}

/** One operation as an HTTP request. An update without ETag says `*`: the row must be there; an upsert says nothing. */
function operationOf(table: string, [kind, entity, mode, options]: TransactionAction): string {
  const row = `${table}(PartitionKey='${keyInUrl(entity.partitionKey)}',RowKey='${keyInUrl(entity.rowKey)}')`;
  const common = 'HTTP/1.1\r\nAccept: application/json;odata=minimalmetadata\r\nDataServiceVersion: 3.0;\r\n';
  if (kind === 'delete') return `DELETE ${row} ${common}If-Match: *\r\n\r\n`;
  const content = `Content-Type: application/json\r\n\r\n${jsonOf(entity)}`;
  if (kind === 'create') return `POST ${table} ${common}Prefer: return-no-content\r\n${content}`;
  const condition = kind === 'update' ? `If-Match: ${options?.etag ?? '*'}\r\n` : '';
  return `${mode === 'Replace' ? 'PUT' : 'PATCH'} ${row} ${common}${condition}${content}`;
}

/** A key within the quotes of an address: OData doubles quotes, the address escapes the rest. */
function keyInUrl(key: string): string {
  return encodeURIComponent(key.replaceAll("'", "''"));
}

/**
 * An entity in JSON, all of it ASCII: Azurite takes U+2028 for the end of a line. Whole numbers are Edm.Int32, others
 * Edm.Double. Throws TypeError for a type that no entity of ours has.
 */
function jsonOf(entity: Readonly<Record<string, unknown>>): string {
  const { partitionKey, rowKey, ...properties } = entity;
  const json: Record<string, unknown> = { PartitionKey: partitionKey, RowKey: rowKey };
  for (const [name, value] of Object.entries(properties)) {
    if (value instanceof Uint8Array) {
      json[name] = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
      json[`${name}@odata.type`] = 'Edm.Binary';
    } else if (typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) {
      json[name] = value;
    } else if (value !== undefined) {
      throw new TypeError(`The property ${name} of an entity is neither text, number, boolean nor bytes.`);
    }
  }
  return JSON.stringify(json).replace(
    /[\u007f-\uffff]/g,
    char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
