import type { z } from 'zod';
import type { SettingReader } from './setting-reader.ts';

const MAX_ISSUES = 20;

/** Names every fault of a JSON setting by its place in it, never with the value found there. */
export function reportIssues(read: SettingReader, setting: string, error: z.ZodError): void {
  for (const issue of error.issues.slice(0, MAX_ISSUES)) {
    const place = issue.path.map(part => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
    read.problem(
      `${setting}${place}`,
      issue.code === 'unrecognized_keys'
        ? `has unknown fields: ${issue.keys.join(', ')}`
        : issue.message.replace(/, received .*/, ''),
    );
  }
}
