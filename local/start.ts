import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, styleText } from 'node:util';
import { claimFolder } from './cloud/claim-folder.ts';
import { claimPorts, isFree, readPort, storagePorts } from './cloud/find-ports.ts';
import { named, overview, sampleLines } from './cloud/overview.ts';
import { readLocalSettings } from './cloud/read-local-settings.ts';
import { isToldBySample, sendSample } from './cloud/send-sample.ts';
import { showLine } from './cloud/show-line.ts';
import { type Cloud, startCloud } from './cloud/start-cloud.ts';

const USAGE = `Usage: npm start [-- --once --keys --memory]

Runs the app on this machine with storage, Key Vault, Entra ID and Exchange Online of its own, and sends a sample mail.

  --once    end after the sample: exit code 0 when it arrived, 1 when not
  --keys    ask for access keys, as in Azure, and print them
  --memory  keep the storage in memory; otherwise it stands in .local/azurite from one start to the next

PORT (default 7071) is the port of the API; the inbox takes the next one.`;

const ROOT = fileURLToPath(new URL('../', import.meta.url));

interface Flags {
  once: boolean;
  keys: boolean;
  memory: boolean;
  help: boolean;
}

async function main(): Promise<void> {
  const flags = readFlags();
  if (flags.help) return console.log(USAGE);
  const port = readPort(process.env['PORT']);
  await claimPorts(port);
  const release = flags.memory ? undefined : await claimFolder(join(ROOT, '.local', 'azurite'));
  let cloud: Cloud | undefined;
  let isStopping = false;
  const stop = async (code: number): Promise<void> => {
    // A second Ctrl-C does not wait; the children end with us anyway.
    if (!isStopping) {
      isStopping = true;
      await cloud?.close();
      await release?.();
    }
    process.exit(code);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(0));
  try {
    console.log('Starting…');
    cloud = await startHere(port, flags, release === undefined);
    void cloud.broken.then(why => {
      say(why);
      void stop(1);
    });
    console.log(overview(cloud, notesOn(cloud, !flags.memory && release === undefined)));
    const isWell = await showSample(cloud);
    if (flags.once) await stop(isWell ? 0 : 1);
    showLog(cloud);
  } catch (error) {
    if (isStopping) return;
    say(messageOf(error));
    await stop(1);
  }
}

async function startHere(port: number, { keys }: Flags, memory: boolean): Promise<Cloud> {
  return startCloud({
    port,
    inboxPort: port === 0 ? 0 : port + 1,
    keys,
    memory,
    build: true,
    storagePorts: await storagePorts(port),
    hostEnv: process.env,
    fileValues: await readLocalSettings(ROOT),
    m365: { ports: { control: port !== 0 && (await isFree(port + 2)) ? port + 2 : 0 } },
  });
}

function notesOn({ ignoredSettings }: Cloud, isShared: boolean): string[] {
  const notes: string[] = [];
  if (isShared) notes.push('Another npm start has .local/azurite, so the storage of this one is in memory only.\n');
  if (ignoredSettings.length > 0) {
    notes.push(`Decided by the local cloud, not by local.settings.json: ${ignoredSettings.join(', ')}\n`);
  }
  return notes;
}

/** Sends the sample and prints its way. @returns whether it arrived */
async function showSample(cloud: Cloud): Promise<boolean> {
  const from = cloud.m365.world.mailboxes[0]?.address ?? '';
  console.log(`A sample goes from ${from} to ada@example.com:\n`);
  const { steps, failure } = await sendSample(cloud, from);
  for (const line of sampleLines(steps)) console.log(named(line));
  if (failure === undefined) return true;
  say(`\n${failure}\n`);
  for (const line of cloud.hostLines.list().slice(-15)) console.error(showLine(line, new Date()));
  return false;
}

function showLog({ hostLines }: Cloud): void {
  console.log('\nThe log of the app, until Ctrl-C:\n');
  const show = (line: string): void => console.log(showLine(line, new Date()));
  for (const line of hostLines.list()) if (!isToldBySample(line)) show(line);
  hostLines.onLine(show);
}

function readFlags(): Flags {
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({ options: { once: flag, keys: flag, memory: flag, help: { ...flag, short: 'h' } } }).values;
  } catch (error) {
    throw new Error(`${messageOf(error)}\n\n${USAGE}`);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const say = (text: string): void => console.error(styleText('red', text, { stream: process.stderr }));

main().catch(error => {
  say(messageOf(error));
  process.exit(1);
});
