import { archivesOf } from '../../scripts/package-files.ts';
import type { BenchOptions, Findings } from '../support/row.ts';

/** How large the deployment package is. */
export async function benchPackage({ progress, appFolder }: BenchOptions): Promise<Findings> {
  progress('package: building');
  const { app } = await archivesOf(await appFolder());
  return {
    rows: [
      {
        name: 'package',
        measured: `${app.length.toLocaleString('en')} bytes`,
        floor: '',
        result: app.length / 1e6,
        unit: 'MB',
        target: { atMost: 3 },
      },
    ],
  };
}
