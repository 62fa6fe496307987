import { type M365, startM365 } from '../../local/m365/start-m365.ts';
import { alternate, median, ratioOf } from '../support/alternate.ts';
import { type Child, startChild } from '../support/child.ts';
import { STATE_DIR } from '../support/project.ts';
import type { BenchOptions, Findings } from '../support/row.ts';
import type { SampleApp } from './common-sample.ts';
import type { Opening, Rate, SideName } from './measure-deliver.ts';

const SIDES = ['exosend', 'pool', 'sample', 'single', 'singleAtOnce'] as const;

/**
 * How many mails a second the deliver use case submits over STARTTLS with 3 connections, beside nodemailer's own pool and
 * beside the common sample, which gets a token and opens a connection for each mail. All send the same bytes to the same
 * sink; storage is in memory. The sample's token service runs in this process.
 */
export async function benchDeliver({ quick, progress }: BenchOptions): Promise<Findings> {
  const m365 = await startM365({ stateDir: STATE_DIR });
  const { tls, caFile } = m365.state;
  const sink = startChild(new URL('smtp-sink.ts', import.meta.url));
  const sender = startChild(new URL('measure-deliver.ts', import.meta.url), {
    env: { NODE_EXTRA_CA_CERTS: caFile },
    flags: ['--expose-gc'],
  });
  try {
    const port = await sink.call<number>('start', tls);
    await sender.call('open', { port, app: sampleApp(m365) } satisfies Opening);
    return await measure(sender, sink, quick ? 3 : 9, quick ? 300 : 1500, progress);
  } finally {
    await Promise.all([sender.close(), sink.close(), m365.close()]);
  }
}

async function measure(
  sender: Child,
  sink: Child,
  rounds: number,
  mails: number,
  progress: BenchOptions['progress'],
): Promise<Findings> {
  const cpu: Record<SideName, number[]> = { exosend: [], pool: [], sample: [], single: [], singleAtOnce: [] };
  const rate = async (side: SideName): Promise<number> => {
    const count = side === 'exosend' || side === 'pool' ? mails : Math.ceil(mails / (side === 'sample' ? 30 : 12));
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
  const times = (side: SideName) => `${ratioOf(found.exosend, found[side]).result.toFixed(1)}×`;
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
        floor: `${perSecond('sample')}: the common sample`,
        unit: '×',
        target: { atLeast: 30 },
        ...ratioOf(found.exosend, found.sample),
      },
    ],
    remarks: [
      `deliver: CPU of the sending process per mail: ${cpuMs('exosend')} ms; nodemailer's pool ${cpuMs('pool')} ms; the common sample (token, connection and mail, one by one) ${cpuMs('sample')} ms.`,
      `deliver: a connection for each mail with the token at hand: ${perSecond('single')}, ${times('single')}; three at once ${perSecond('singleAtOnce')}, ${times('singleAtOnce')}. Sink and token service are on this machine: no network's round trips, of which a new connection takes 8 and a warm one 2.`,
    ],
  };
}

function sampleApp({ settings, state }: M365): SampleApp {
  const { pem, key, thumbprintSha256 } = state.certificates['exosend-smtp'];
  return {
    authority: `${settings['AZURE_AUTHORITY_HOST']}/${settings['MAIL_TENANT_ID']}`,
    clientId: settings['MAIL_CLIENT_ID'] ?? '',
    certificate: { thumbprintSha256, privateKey: key, x5c: pem },
  };
}
