import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readHostConfig } from '../../local/host/host-config.ts';
import { compileRoute } from '../../local/host/http/route-template.ts';
import { createBackoff } from '../../local/host/queue/backoff.ts';
import { decodeBody, undecodable } from '../../local/host/queue/queue-message.ts';
import { findConnectionString, resolveSettings } from '../../local/host/settings.ts';
import { formatDateTimeOffset, parseTimeSpan } from '../../local/host/time-span.ts';
import { nextCronTime, parseCron } from '../../local/host/timer/cron.ts';
import { parseSchedule } from '../../local/host/timer/schedule.ts';
import { startStatus } from '../../local/host/timer/schedule-status.ts';
import { fixture } from './host-process.ts';

const next = (cron: string, after: string) => {
  const parsed = parseCron(cron);
  assert.ok(parsed);
  const at = nextCronTime(parsed, Date.parse(after));
  return at === undefined ? undefined : new Date(at).toISOString().replace('.000Z', 'Z');
};

test('cron: the next time of an expression', () => {
  const cases: [string, string, string | undefined][] = [
    ['0 */5 * * * *', '2026-11-21T14:02:03Z', '2026-11-21T14:05:00Z'],
    ['0 */5 * * * *', '2026-11-21T14:05:00Z', '2026-11-21T14:10:00Z'],
    ['*/5 * * * *', '2026-11-21T23:58:00Z', '2026-11-22T00:00:00Z'],
    ['15,45 0 6-8 * * MON-FRI', '2026-11-21T06:00:00Z', '2026-11-23T06:00:15Z'],
    ['0 30 9 * January,jun *', '2026-11-21T00:00:00Z', '2027-01-01T09:30:00Z'],
    ['0 0 0 29 2 *', '2026-11-21T00:00:00Z', '2028-02-29T00:00:00Z'],
    ['0 0 0 13 * FRI', '2026-11-21T00:00:00Z', '2027-08-13T00:00:00Z'],
    ['0 0 0 31 4 *', '2026-11-21T00:00:00Z', undefined],
    ['10/20 * * * * *', '2026-11-21T00:00:31Z', '2026-11-21T00:00:50Z'],
    ['0 0 22-20 * * *', '2026-11-21T00:00:00Z', '2026-11-21T20:00:00Z'],
  ];
  for (const [cron, after, expected] of cases) assert.equal(next(cron, after), expected, cron);
});

test('cron: names the part that is wrong', () => {
  assert.equal(parseCron('* * * *'), undefined);
  for (const text of [
    '60 * * * * *',
    '* * 24 * * *',
    '* * * 0 * *',
    '* * * * 13 *',
    '* * * * * 7',
    '*/0 * * * * *',
    '? * * * * *',
  ]) {
    assert.throws(() => parseCron(text), /field/, text);
  }
});

test('schedule: TimeSpans; what fires more than once a minute is not monitored', () => {
  assert.equal(parseSchedule('00:00:30', true).monitored, false);
  assert.equal(parseSchedule('00:05:00', true).next(1000), 301_000);
  assert.equal(parseSchedule('0 * * * * *', true).monitored, true);
  assert.equal(parseSchedule('*/10 * * * * *', true).monitored, false);
  assert.equal(parseSchedule('0 0 * * * *', false).monitored, false);
  for (const text of ['', 'soon', '00:00:00', '0 0 0 31 4 *']) assert.throws(() => parseSchedule(text, true), text);
});

test('schedule status: a missed run counts only when the schedule is still the same', () => {
  const schedule = parseSchedule('0 0 * * * *', true);
  const at = (text: string) => Date.parse(`2026-11-21T${text}:00Z`);
  const stored = { last: at('10:00'), next: at('11:00'), lastUpdated: at('10:00') };
  assert.equal(startStatus(schedule, undefined, at('12:30')).isPastDue, false);
  assert.equal(startStatus(schedule, stored, at('10:30')).isPastDue, false);
  assert.equal(startStatus(schedule, stored, at('12:30')).isPastDue, true);
  const changed = startStatus(schedule, { ...stored, next: at('10:30') }, at('12:30'));
  assert.deepEqual([changed.isPastDue, changed.status.next], [false, at('13:00')]);
});

test('TimeSpan and DateTimeOffset in the forms of .NET', () => {
  const cases: [string, number | undefined][] = [
    ['00:00:01', 1000],
    ['00:00:00.200', 200],
    ['1.02:03:04', 93_784_000],
    ['01:30', 5_400_000],
    ['24:00:00', 24 * 86_400_000],
    ['00:60:00', undefined],
    ['5 minutes', undefined],
  ];
  for (const [text, ms] of cases) assert.equal(parseTimeSpan(text), ms, text);
  assert.equal(formatDateTimeOffset(Date.parse('2026-11-21T10:20:30Z')), '2026-11-21T10:20:30+00:00');
  assert.equal(formatDateTimeOffset(Date.parse('2026-11-21T10:20:30.120Z')), '2026-11-21T10:20:30.12+00:00');
});

test('routes: literals, parameters, optional and catch-all parts, constraints, decoding', () => {
  const cases: [string, string, Record<string, string> | undefined][] = [
    ['api/a', '/API/a/', {}],
    ['api/a', '/api/a/b', undefined],
    ['m/{id}', '/m/x%20y', { id: 'x y' }],
    ['m/{id}', '/m/a%2Fb', { id: 'a%2Fb' }],
    ['m/{id}', '/m/100%', { id: '100%' }],
    ['m/{id}', '/m', undefined],
    ['m/{id?}', '/m', {}],
    ['m/{id=1}', '/m', { id: '1' }],
    ['f/{*rest}', '/f/a/b', { rest: 'a/b' }],
    ['f/{*rest}', '/f', {}],
    ['n/{n:int}', '/n/12', { n: '12' }],
    ['n/{n:int?}', '/n/x', undefined],
    ['g/{id:guid}/x', '/g/0f8fad5b-d9cb-469f-a165-70867728950e/x', { id: '0f8fad5b-d9cb-469f-a165-70867728950e' }],
    ['l/{w:alpha:length(2,3)}', '/l/abc', { w: 'abc' }],
    ['l/{w:alpha:length(2,3)}', '/l/abcd', undefined],
    ['r/{d:regex(^\\d{{2}}$)}', '/r/12', { d: '12' }],
    ['d/{name}.{type}', '/d/a.json', { name: 'a', type: 'json' }],
    ['', '/', {}],
  ];
  for (const [route, path, expected] of cases)
    assert.deepEqual(compileRoute(route)(path), expected, `${route} ${path}`);
  assert.throws(() => compileRoute('x/{id:nonsense}'), /nonsense/);
});

test('back-off: 100 ms, then about twice as long each time, up to the longest; reset by a message', () => {
  const delay = createBackoff(1000, () => 0.5);
  assert.deepEqual(
    [false, false, false, false, false, false, true, false].map(delay),
    [100, 200, 300, 500, 900, 1000, 100, 200],
  );
});

test('queue text: strict base64, white space ignored', () => {
  assert.equal(String(decodeBody('aGk=', 'base64')), 'hi');
  assert.equal(String(decodeBody(' aG\r\nk=', 'base64')), 'hi');
  assert.equal(String(decodeBody('{}', 'none')), '{}');
  for (const text of ['{"a":1}', 'aGk', 'aG-_', 'a===']) assert.equal(decodeBody(text, 'base64'), undecodable, text);
});

test('settings: %NAME% and connections', () => {
  assert.equal(resolveSettings('a-%X%-%Y%', { X: '1', Y: '2' }), 'a-1-2');
  assert.throws(() => resolveSettings('%X%', {}), /'%X%' does not resolve/);
  assert.equal(findConnectionString(undefined, { AzureWebJobsStorage: 's' }), 's');
  assert.equal(findConnectionString('Storage', { AzureWebJobsStorage: 's' }), 's');
  assert.equal(findConnectionString('Mine', { Mine: 'm' }), 'm');
});

test('host.json: defaults, settings laid over it, values out of range', async () => {
  const config = await readHostConfig(fixture('timer-app'), {
    AzureFunctionsJobHost__Extensions__queues__batchSize: '4',
  });
  assert.deepEqual([config.routePrefix, config.functionTimeoutMs], ['api', 1_800_000]);
  assert.partialDeepStrictEqual(config.queues, {
    batchSize: 4,
    maxDequeueCount: 5,
    visibilityTimeoutMs: 0,
    maxPollingIntervalMs: 60_000,
    messageEncoding: 'base64',
  });
  const wrong = { AzureFunctionsJobHost__extensions__queues__batchSize: '33' };
  await assert.rejects(readHostConfig(fixture('timer-app'), wrong), /batchSize must be a whole number from 1 to 32/);
  assert.equal(
    (await readHostConfig(fixture('timer-app'), { AzureFunctionsJobHost__functionTimeout: '-1' })).functionTimeoutMs,
    undefined,
  );
});
