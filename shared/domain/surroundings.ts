import type { PhaseResult } from './probe-run.ts';
import type { DomainRecords } from './sender-domain.ts';

/** What the doctor looks at beside the probe's own phases. Nothing here throws. */
export interface Surroundings {
  /** Whether a TCP connection opens within seconds. */
  opens(host: string, port: number): Promise<boolean>;
  /** `dns` to `tls` of a conversation that goes no further, and who issued the certificate that was shown. */
  reach(): Promise<{ readonly phases: readonly PhaseResult[]; readonly issuer?: string }>;
  /** Entra's clock minus this machine's, in ms; undefined when Entra cannot be reached. */
  entraClockAheadMs(): Promise<number | undefined>;
  /** Absent where there is no public DNS to ask. */
  readonly domainRecords?: (domain: string) => Promise<DomainRecords>;
}
