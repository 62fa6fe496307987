import { styleText } from 'node:util';
import type { Step } from './send-sample.ts';
import type { Cloud } from './start-cloud.ts';

/** Where everything is, and one command to try it. */
export function overview(cloud: Cloud, notes: string[]): string {
  const { functions, keys } = cloud.host();
  const url = named(cloud.url);
  const has = (name: string): boolean => functions.some(fn => fn.name === name);
  const rows: [string, string][] = [
    ['API', `${url}/api/messages`],
    ...(has('docs') ? [['Docs', `${url}/api/docs`] as [string, string]] : []),
    ...(has('dashboard') ? [['Dashboard', `${url}/api/dashboard`] as [string, string]] : []),
    ['Inbox', named(cloud.inboxUrl)],
    ['Queue', `mail-requests at ${shortConnection(cloud.connectionString)}`],
    ['Control', `${cloud.m365.controlUrl}/state  (faults, limits, mailboxes of the simulated Microsoft 365)`],
    ...(keys
      ? ([
          ['Key', keys.host],
          ['Master key', keys.master],
        ] as [string, string][])
      : []),
  ];
  const broken = functions.filter(fn => fn.error !== undefined);
  return [
    '',
    styleText('bold', 'Exosend is running, with a Microsoft 365 of its own. No mail leaves this machine.'),
    '',
    ...rows.map(([name, where]) => `  ${name.padEnd(11)}${where}`),
    '',
    'Send a mail:',
    '',
    `  ${curlCommand(url, cloud.m365.world.mailboxes[0]?.address ?? '', keys?.host)}`,
    '',
    ...broken.map(fn => styleText('red', `The function ${fn.name} did not start: ${fn.error}`)),
    ...notes,
  ].join('\n');
}

/** The command as a shell takes it: cmd.exe knows double quotes only. */
export function curlCommand(url: string, from: string, key: string | undefined, platform = process.platform): string {
  const body = JSON.stringify({ from, to: ['bo@example.com'], subject: 'Hello', text: 'Hello Bo' });
  const quote = (text: string): string => (platform === 'win32' ? `"${text.replaceAll('"', '\\"')}"` : `'${text}'`);
  const headers = ['Content-Type: application/json', ...(key ? [`x-functions-key: ${key}`] : [])];
  const flags = headers.map(header => `-H ${quote(header)}`).join(' ');
  return `curl -s ${url}/api/messages ${flags} -d ${quote(body)}`;
}

/** The way of the sample, a line for each step. */
export function sampleLines(steps: Step[]): string[] {
  return steps.map(({ ms, name, text }) => `  ${`${ms} ms`.padStart(8)}  ${name.padEnd(10)} ${text}`);
}

/** People type and recognise localhost; the servers listen on 127.0.0.1. */
export const named = (url: string): string => url.replace('//127.0.0.1:', '//localhost:');

const shortConnection = (connectionString: string): string =>
  connectionString.includes('QueueEndpoint=http://127.0.0.1:10001/') ? 'UseDevelopmentStorage=true' : connectionString;
