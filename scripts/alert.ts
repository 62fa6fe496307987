import { parseArgs } from 'node:util';

/**
 * `npm run alert -- test`: asks a running app to send one test notification to every alert channel, and prints what each
 * made of it. Exit code 0 when all took it, 1 when one did not or there are none, 2 when the app could not be asked.
 */
const USAGE = `npm run alert -- test [--url https://<app>.azurewebsites.net] [--key <key>]

  --url   the app; default EXOSEND_URL, else http://localhost:7071
  --key   function key of an operator; default EXOSEND_KEY. An app with MAIL_CALLER_AUTH=entra takes a token: EXOSEND_TOKEN`;

interface Answer {
  readonly channels?: readonly { kind: string; target: string; taken: boolean; reason?: string }[];
  readonly title?: string;
  readonly detail?: string;
}

export async function testAlerts(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  let answer: Answer;
  try {
    const response = await fetch(`${url.replace(/\/+$/, '')}/api/alerts/test`, { method: 'POST', headers });
    const text = await response.text();
    answer = /json/.test(response.headers.get('content-type') ?? '') ? (JSON.parse(text) as Answer) : {};
    if (!response.ok || !answer.channels) {
      const why = [answer.title, answer.detail].filter(Boolean).join('. ');
      console.error(`✖ ${url} answered ${response.status}${why === '' ? '' : `: ${why}`}`);
      if (response.status === 401) console.error('  Give a function key: --key, or EXOSEND_KEY.');
      return 2;
    }
  } catch (error) {
    const { message, cause } = error as Error;
    console.error(`✖ ${url} cannot be reached: ${cause instanceof Error ? cause.message : message}`);
    return 2;
  }
  for (const { kind, target, taken, reason } of answer.channels)
    console.log(`${taken ? '✔' : '✖'} ${kind} ${target}${taken ? '' : `: ${reason ?? 'not taken'}`}`);
  if (answer.channels.length === 0) console.log('▲ There are no channels: see ALERT_CHANNELS in docs/alerts.md.');
  else if (answer.channels.every(({ taken }) => taken))
    console.log('All took it. Look where alerts are read: a Teams workflow says yes even when its card fails.');
  return answer.channels.length > 0 && answer.channels.every(({ taken }) => taken) ? 0 : 1;
}

if (import.meta.main) {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { url: { type: 'string' }, key: { type: 'string' }, help: { type: 'boolean' } },
  });
  if (positionals.join(' ') !== 'test' || values.help) {
    console.log(USAGE);
    process.exitCode = values.help ? 0 : 2;
  } else {
    const key = values.key ?? process.env['EXOSEND_KEY'];
    const token = process.env['EXOSEND_TOKEN'];
    process.exitCode = await testAlerts(values.url ?? process.env['EXOSEND_URL'] ?? 'http://localhost:7071', {
      ...(key ? { 'x-functions-key': key } : {}),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    });
  }
}
