import type { ListQuery } from '../../domain/message-ports.ts';
import type { MessageRecord } from '../../domain/message-record.ts';
import { fromEntity, RANGES, RECORD_COLUMNS } from './record-entity.ts';
import { type Row, rangeFilter, type TableAccess } from './table-access.ts';

/** A list with a filter that matches little gives up after this many pages and hands out a continuation. */
const LIST_PAGES = 4;

/** Records, newest first. Reads at most four pages, whatever the filter leaves out. */
export async function listRecords(
  table: TableAccess,
  wanted: ListQuery,
): Promise<{ readonly records: readonly MessageRecord[]; readonly continuation?: string }> {
  const filters = [rangeFilter(...RANGES.record)];
  if (wanted.status !== undefined) filters.push(`status eq '${literal(wanted.status)}'`);
  if (wanted.mailbox !== undefined) filters.push(`mailbox eq '${literal(wanted.mailbox.toLowerCase())}'`);
  if (wanted.caller !== undefined) filters.push(`caller eq '${literal(wanted.caller)}'`);
  const queryOptions = { filter: filters.join(' and '), select: [...RECORD_COLUMNS] };
  return table.run('list messages', async client => {
    const records: MessageRecord[] = [];
    let continuation = wanted.continuation;
    for (let page = 0; page < LIST_PAGES && records.length < wanted.limit; page++) {
      const pages = client.listEntities<Row>({ queryOptions }).byPage({
        maxPageSize: wanted.limit - records.length,
        ...(continuation === undefined ? {} : { continuationToken: continuation }),
      });
      const { value } = await pages.next();
      for (const entity of value ?? []) {
        const record = readable(entity);
        if (record) records.push(record);
      }
      continuation = value?.continuationToken;
      if (continuation === undefined) break;
    }
    return { records, ...(continuation === undefined ? {} : { continuation }) };
  });
}

/** One record that cannot be read must not hide all the others. */
function readable(entity: Row): MessageRecord | undefined {
  try {
    return fromEntity(entity);
  } catch {
    return undefined;
  }
}

/** An OData string literal's inside: quotes are doubled. */
function literal(text: string): string {
  return text.replaceAll("'", "''");
}
