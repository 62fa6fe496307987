import { loadState } from '../../local/m365/state.ts';
import { alternate, median, ratioOf } from '../support/alternate.ts';
import { type Child, startChild } from '../support/child.ts';
import { STATE_DIR } from '../support/project.ts';
import type { BenchOptions, Findings } from '../support/row.ts';
import type { Rate, SideName } from './measure-deliver.ts';

const SIDES = ['exosend', 'pool', 'sample', 'sampleAtOnce'] as const;

/**
 * How many mails a second the deliver use case submits over STARTTLS with 3 connections, beside nodemailer's own pool and
 * beside a connection for each mail. All four send the same bytes to the same sink; storage is in memory.
 */
export async function benchDeliver({ quick, progress }: BenchOptions): Promise<Findings> {
  const { tls, caFile } = await loadState(STATE_DIR);
  const sink = startChild(new URL('smtp-sink.ts', import.meta.url));
  const sender = startChild(new URL('measure-deliver.ts', import.meta.url), {
    env: { NODE_EXTRA_CA_CERTS: caFile },
    flags: ['--expose-gc'],
  });
  try {
    await sender.call('open', await sink.call<number>('start', tls));
    return await measure(sender, sink, quick ? 3 : 9, quick ? 300 : 1500, progress);
  } finally {
    await Promise.all([sender.close(), sink.close()]);
  }
}

async function measure(
  sender: Child,
  sink: Child,
  rounds: number,
  mails: number,
  progress: BenchOptions['progress'],
): Promise<Findings> {
  const cpu: Record<SideName, number[]> = { exosend: [], pool: [], sample: [], sampleAtOnce: [] };
  const rate = async (side: SideName): Promise<number> => {
    const count = side.startsWith('sample') ? Math.ceil(mails / 12) : mails;
    const before = await sink.call<{ mails: number }>('counts');
    const found = await sender.call<Rate>('rate', { side, count });
    const after = await sink.call<{ mails: number }>('counts');
    if (after.mails - before.mails !== count) throw new Error(`${side}: the sink has not got each mail once.`);
    cpu[side].push(found.cpuMsPerMail);
    return found.mailsPerSecond;
  };
  progress('deliver: warming up');
  for (const side of SIDES) await rate(side);
  for (const side of SIDES) cpu[side].length = 0;
  const found = await alternate(SIDES, rounds, (side, round) => {
    progress(`deliver: round ${round + 1} of ${rounds}, ${side}`);
    return rate(side);
  });
  const perSecond = (side: SideName) => `${Math.round(median(found[side]))} mails/s`;
  const cpuMs = (side: SideName) => median(cpu[side]).toFixed(2);
  const atOnce = ratioOf(found.exosend, found.sampleAtOnce).result.toFixed(1);
  return {
    rows: [
      {
        name: 'deliver',
        measured: perSecond('exosend'),
        floor: `${perSecond('pool')}: nodemailer's pool`,
        unit: '×',
        target: { atLeast: 0.9 },
        ...ratioOf(found.exosend, found.pool),
      },
      {
        name: 'deliver',
        measured: perSecond('exosend'),
        floor: `${perSecond('sample')}: a connection for each mail`,
        unit: '×',
        target: { atLeast: 30 },
        ...ratioOf(found.exosend, found.sample),
      },
    ],
    remarks: [
      `deliver: CPU of the sending process per mail: ${cpuMs('exosend')} ms; nodemailer's pool ${cpuMs('pool')} ms; a connection for each mail ${cpuMs('sample')} ms.`,
      `deliver: a connection for each mail, three mails at once: ${perSecond('sampleAtOnce')}, ${atOnce}×. The sink is on this machine: no network's round trips, of which a new connection takes 8 and a warm one 2.`,
    ],
  };
}
