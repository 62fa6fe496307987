import type { PhaseTimes, RunCounts, UptimeStatus } from '../../../shared/domain/status-report.ts';
import { el, svg } from './dom.ts';
import { countText, percentText, timeText } from './format.ts';

const BAR_HEIGHT = 30;
const STEP = 10;
const GAP = 2;

/**
 * Runs over time, one bar for each step: full height where a run failed, lower where all were good, a line where there
 * was none. So a failure is seen by its height as well as by its colour.
 */
export function uptimeBar(title: string, uptime: UptimeStatus, coveredFrom: string, nowMs: number): HTMLElement {
  const fromMs = Date.parse(uptime.from);
  const bars = uptime.steps.map((counts, index) => {
    const [start, end] = [index, index + 1].map(at => new Date(fromMs + at * uptime.stepSeconds * 1000).toISOString());
    const isUnread = (end ?? '') < coveredFrom;
    const { name, height } = barOf(counts);
    const text = isUnread ? 'not read yet' : countsText(counts);
    return svg(
      'rect',
      { class: name, x: index * STEP, y: BAR_HEIGHT - height, width: STEP - GAP, height, rx: 1.5 },
      svg('title', {}, `${timeText(start ?? '', nowMs)} to ${timeText(end ?? '', nowMs)}: ${text}`),
    );
  });
  const total = uptime.steps.reduce<RunCounts>((a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]], [0, 0, 0]);
  const percent = uptime.ratio === null ? 'no runs' : percentText(uptime.ratio);
  return el(
    'div',
    { class: 'uptime' },
    el('p', { class: 'chart-head' }, el('span', { class: 'dim' }, title), el('strong', {}, percent)),
    svg(
      'svg',
      {
        viewBox: `0 0 ${uptime.steps.length * STEP - GAP} ${BAR_HEIGHT}`,
        preserveAspectRatio: 'none',
        role: 'img',
        'aria-label': `${title}: ${percent} good, ${countsText(total)}`,
      },
      ...bars,
    ),
  );
}

function barOf([good, failed, neutral]: RunCounts): { readonly name: string; readonly height: number } {
  if (failed > 0) return { name: good > 0 ? 'some-failed' : 'all-failed', height: BAR_HEIGHT };
  if (good > 0) return { name: 'all-good', height: BAR_HEIGHT * 0.62 };
  return neutral > 0 ? { name: 'neutral', height: BAR_HEIGHT * 0.35 } : { name: 'empty', height: 3 };
}

function countsText([good, failed, neutral]: RunCounts): string {
  if (good + failed + neutral === 0) return 'no runs';
  const parts = [countText(good + failed + neutral, 'run')];
  if (failed > 0) parts.push(`${failed} failed`);
  if (neutral > 0) parts.push(`${neutral} could not tell`);
  return parts.join(', ');
}

const SPARK_WIDTH = 72;
const SPARK_HEIGHT = 18;

/** The latest times of a phase as a line; a gap where it failed or was not reached. For the eye: the table has the figures. */
export function sparkline({ recent }: PhaseTimes): SVGElement {
  const most = Math.max(1, ...recent.map(ms => ms ?? 0));
  const stepX = SPARK_WIDTH / Math.max(1, recent.length - 1);
  let isGap = true;
  const d = recent
    .map((ms, index) => {
      if (ms === null) {
        isGap = true;
        return '';
      }
      const command = isGap ? 'M' : 'L';
      isGap = false;
      return `${command}${(index * stepX).toFixed(1)} ${(SPARK_HEIGHT - 1 - (ms / most) * (SPARK_HEIGHT - 3)).toFixed(1)}`;
    })
    .join('');
  return svg(
    'svg',
    { class: 'spark', viewBox: `0 0 ${SPARK_WIDTH} ${SPARK_HEIGHT}`, 'aria-hidden': 'true', focusable: 'false' },
    svg('path', { d }),
  );
}

/** Where in the run a phase lay, and how long it was. */
export function spanBar(startMs: number, ms: number, totalMs: number, name: string): SVGElement {
  const of = (value: number) => (100 * value) / Math.max(1, totalMs);
  const width = Math.max(1.2, of(ms));
  return svg(
    'svg',
    { class: 'span', viewBox: '0 0 100 8', preserveAspectRatio: 'none', 'aria-hidden': 'true', focusable: 'false' },
    svg('rect', { class: 'track', x: 0, y: 3.5, width: 100, height: 1 }),
    svg('rect', { class: name, x: Math.min(of(startMs), 100 - width), y: 0, width, height: 8, rx: 1 }),
  );
}

/** How much of an allowance is used. */
export function gauge(label: string, used: number, limit: number): SVGElement {
  const share = Math.min(1, used / Math.max(1, limit));
  return svg(
    'svg',
    { class: 'gauge', viewBox: '0 0 100 6', preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
    svg('rect', { class: 'track', x: 0, y: 0, width: 100, height: 6 }),
    svg('rect', { class: share >= 0.8 ? 'warn' : 'fill', x: 0, y: 0, width: share * 100, height: 6 }),
  );
}
