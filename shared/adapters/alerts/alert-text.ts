/** The three characters that Slack asks to be escaped. Source: Slack, "Formatting message text", read 2026-11. */
export function slackText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/**
 * The same for text of others: nothing in it becomes bold, struck or code. Slack has no escape for that; a zero-width
 * space keeps the signs from pairing up. Not for our own text, whose commands people copy.
 */
export function slackForeignText(text: string): string {
  return slackText(text).replace(/[*_~`]/g, sign => `\u200b${sign}\u200b`);
}

/**
 * Characters that the Markdown of an Adaptive Card gives a meaning to: emphasis, links, lists, headings. Source: Adaptive
 * Cards, "Text features", read 2026-11.
 */
export function cardText(text: string): string {
  return (
    text
      .replace(/[\\*_[\]()`~#|]/g, '\\$&')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      // A number with a full stop, or a dash, at the beginning makes a list.
      .replace(/^(\s*\d+)\./, '$1\\.')
      .replace(/^(\s*)([-+])/, '$1\\$2')
      // {{DATE(…)}} and {{TIME(…)}} are functions.
      .replaceAll('{{', '{\u200b{')
  );
}

/** Cut to so many characters, with an ellipsis where something is missing. */
export function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
