/** Where the generated page of all codes is published. */
export const ERRORS_PAGE = 'https://github.com/exosend/exosend/blob/main/docs/errors.md';

/**
 * Address of a code's section in docs/errors.md.
 *
 * @param code a code of the catalogue; its heading is the code itself, so the anchor is too
 * @param page address of the page without fragment; default ERRORS_PAGE
 */
export function docsUrl(code: string, page: string = ERRORS_PAGE): string {
  return `${page}#${encodeURIComponent(code)}`;
}

/**
 * The `type` of a problem document (RFC 9457, section 3.1.1). The same address as the docs: a client that
 * follows the type lands at the explanation.
 */
export function problemType(code: string, page: string = ERRORS_PAGE): string {
  return docsUrl(code, page);
}
