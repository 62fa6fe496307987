import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mailOf2Kb } from '../accept/bench-accept.ts';
import { post } from '../accept/http-load.ts';
import { alternate, median, ratioOf } from '../support/alternate.ts';
import { startChild } from '../support/child.ts';
import { PROJECT } from '../support/project.ts';
import type { BenchOptions, Findings } from '../support/row.ts';
import { startBenchHost } from '../support/start-host.ts';
import { startWorld, type World } from '../support/start-world.ts';
import { checkPatterns, loadedChunks } from './loaded-packages.ts';

/**
 * How long the built entry takes to load in a fresh process, beside the same packages from node_modules; how long the
 * first accept of a fresh host takes, and what it loads.
 */
export async function benchLoad({ quick, progress, appFolder }: BenchOptions): Promise<Findings> {
  const root = await appFolder();
  const sides = { bundle: [join(root, 'dist', 'main.js')], packages: await runtimePackages() };
  const load = async (side: keyof typeof sides): Promise<number> => {
    const child = startChild(new URL('measure-load.ts', import.meta.url));
    try {
      return await child.call<number>('load', sides[side]);
    } finally {
      await child.close();
    }
  };
  progress('load: warming up');
  await load('bundle');
  await load('packages');
  const rounds = quick ? 3 : 9;
  const found = await alternate(['bundle', 'packages'], rounds, (side, round) => {
    progress(`load: round ${round + 1} of ${rounds}, ${side}`);
    return load(side);
  });
  return {
    rows: [
      {
        name: 'load',
        measured: `${median(found.bundle).toFixed(0)} ms`,
        floor: `${median(found.packages).toFixed(0)} ms: ${sides.packages.length} packages, unbundled`,
        unit: '×',
        target: { atMost: 0.35 },
        ...ratioOf(found.bundle, found.packages),
      },
    ],
    remarks: await coldAccept(root, quick ? 1 : 5, progress),
  };
}

/** What package.json depends on, as the app's code imports it: of nodemailer only two parts. */
async function runtimePackages(): Promise<string[]> {
  const { dependencies } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  return Object.keys(dependencies).flatMap(name =>
    name === 'nodemailer' ? ['nodemailer/lib/smtp-connection', 'nodemailer/lib/mail-composer'] : [name],
  );
}

async function coldAccept(root: string, rounds: number, progress: BenchOptions['progress']): Promise<string[]> {
  const world = await startWorld();
  try {
    // The first run makes table and queue, which a deployment has before its first mail.
    const firstRun = await firstAccept(root, world, true);
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      progress(`load: first accept, round ${round + 1} of ${rounds}`);
      times.push((await firstAccept(root, world, false)).ms);
    }
    const dist = join(root, 'dist');
    await checkPatterns(await filesIn(dist, '*.map'));
    const { count, bytes, unwanted } = await loadedChunks(firstRun.loaded, dist);
    const range = `${Math.min(...times).toFixed(0)} … ${Math.max(...times).toFixed(0)} ms`;
    const size = `${count} chunks, ${(bytes / 1e6).toFixed(2)} MB`;
    return [
      `load: the first (cold) accept of a fresh host takes ${median(times).toFixed(0)} ms (${range}), storage calls included.`,
      unwanted.length === 0
        ? `load: the first accept loads ${size}; none of them holds SMTP, MSAL, Key Vault, identity or node-forge: yes.`
        : `load: the first accept loads ${size}, and with them what only delivery needs: ${unwanted.join(', ')}: NO.`,
    ];
  } finally {
    await world.close();
  }
}

async function firstAccept(root: string, { connectionString, env, m365 }: World, recordLoads: boolean) {
  const host = await startBenchHost({ root, functions: ['sendMail'], hostStorage: connectionString, env, recordLoads });
  try {
    const begun = performance.now();
    await post(`${host.url}/api/messages`, mailOf2Kb(m365.settings['MAIL_MAILBOX'] ?? ''));
    const ms = performance.now() - begun;
    return { ms, loaded: await host.call<string[]>('loaded') };
  } finally {
    await host.close();
  }
}

async function filesIn(folder: string, pattern: string): Promise<string[]> {
  const files: string[] = [];
  for await (const file of glob(pattern, { cwd: folder })) files.push(join(folder, file));
  return files;
}
