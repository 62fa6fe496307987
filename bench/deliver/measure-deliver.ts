import { serve } from '../support/serve.ts';
import { commonSampleSide, type SampleApp } from './common-sample.ts';
import { deliverSide } from './deliver-side.ts';
import { poolSide, singleSide } from './nodemailer-side.ts';
import { sampleMail } from './sample-mail.ts';

/** The senders, in a process that trusts the sink's certificate; the sink is in another. */
const CONNECTIONS = 3;
/** As long as tokens of Entra ID are. */
const TOKEN = 'x'.repeat(1500);
const raw = sampleMail();

interface Side {
  /** Whatever is not to be timed. */
  prepare(count: number): Promise<void>;
  send(count: number): Promise<void>;
}
export type SideName = 'exosend' | 'pool' | 'sample' | 'single' | 'singleAtOnce';
/** `app` is who the sample is; all others have a token. */
export interface Opening {
  readonly port: number;
  readonly app: SampleApp;
}
export interface Rate {
  readonly mailsPerSecond: number;
  /** Of the sending process: a figure that a busy machine does not move much. */
  readonly cpuMsPerMail: number;
}

let sides: Record<SideName, Side> | undefined;

serve({
  async open({ port, app }: Opening) {
    const exosend = deliverSide(port, TOKEN);
    sides = {
      exosend: { prepare: count => exosend.accept(count, raw), send: () => exosend.send() },
      pool: unprepared(poolSide(port, TOKEN, CONNECTIONS)),
      sample: unprepared(await commonSampleSide(port, app)),
      single: unprepared(singleSide(port, TOKEN, 1)),
      singleAtOnce: unprepared(singleSide(port, TOKEN, CONNECTIONS)),
    };
  },
  async rate({ side: name, count }: { side: SideName; count: number }): Promise<Rate> {
    const side = sides?.[name];
    if (!side) throw new Error('The sides have not been opened.');
    await side.prepare(count);
    globalThis.gc?.();
    const cpu = process.cpuUsage();
    const begun = performance.now();
    await side.send(count);
    const seconds = (performance.now() - begun) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    return { mailsPerSecond: count / seconds, cpuMsPerMail: (user + system) / 1000 / count };
  },
});

function unprepared(send: (count: number, raw: Buffer) => Promise<void>): Side {
  return { prepare: async () => {}, send: count => send(count, raw) };
}
