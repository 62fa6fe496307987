import type { MailPart } from './parse-mail.ts';

// What browsers show as a picture and cannot run. SVG is not among them.
const PICTURES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif', 'image/bmp'];

/**
 * Headers under which a part may be downloaded: always as a file, never as a page of ours. A type is named for pictures
 * only, so that the list of attachments can show them.
 */
export function partHeaders({ filename, contentType }: MailPart, index: number): Record<string, string> {
  return {
    'Content-Type': PICTURES.includes(contentType) ? contentType : 'application/octet-stream',
    'Content-Disposition': attachmentDisposition(safeFileName(filename) || `part-${index + 1}`),
    'Content-Security-Policy': "default-src 'none'; sandbox",
  };
}

/** A plain file name: no folders, no control or direction-changing characters, no leading dots, at most 150 characters. */
export function safeFileName(name: string): string {
  const last = name.split(/[\\/]/).at(-1) ?? '';
  return last
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '')
    .replaceAll(/["<>:|?*]/g, '_')
    .replace(/^[.\s]+|[.\s]+$/g, '')
    .slice(-150);
}

/** RFC 6266 with both forms: ASCII for old clients, RFC 8187 for the rest. */
export function attachmentDisposition(name: string): string {
  const ascii = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const extended = encodeURIComponent(name).replaceAll(
    /['()*]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${extended}`;
}
