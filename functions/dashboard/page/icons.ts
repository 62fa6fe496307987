import { svg } from './dom.ts';

export type Tone = 'good' | 'warn' | 'bad' | 'none' | 'info';

/** Each state has a shape of its own, so that nothing depends on telling colours apart. */
const SHAPES: Record<Tone, readonly string[]> = {
  good: ['M12 2.5a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19Z', 'm7.8 12.3 2.9 2.9 5.6-6'],
  warn: ['M12 3 22 20.5H2L12 3Z', 'M12 9.5v5', 'M12 17.4v.2'],
  bad: ['M8 2.5h8L21.5 8v8L16 21.5H8L2.5 16V8L8 2.5Z', 'm8.7 8.7 6.6 6.6', 'm15.3 8.7-6.6 6.6'],
  none: ['M12 2.5a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19Z', 'M8 12h8'],
  info: ['M12 2.5a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19Z', 'M12 11v6', 'M12 7.4v.2'],
};

/** A sign for the eye only; the text beside it says the same. */
export function icon(tone: Tone): SVGElement {
  return svg(
    'svg',
    { class: `icon ${tone}`, viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false' },
    ...SHAPES[tone].map(d => svg('path', { d })),
  );
}
