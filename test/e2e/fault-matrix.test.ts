import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cuts } from '../../faults/scenarios/cuts.ts';
import { kills } from '../../faults/scenarios/kills.ts';
import { outages } from '../../faults/scenarios/outages.ts';
import { phases } from '../../faults/scenarios/phases.ts';
import { startRig } from '../../faults/support/rig.ts';
import { breachOf, tableOf, tallies } from '../../faults/support/tally.ts';
import { travelUntilFinal } from '../../faults/support/time-travel.ts';
import { lots } from '../support/seeded.ts';

const SEED = 20;

test('the short form of the fault matrix: nothing lost, nothing doubled in silence', { timeout: 150_000 }, async t => {
  const scenarios = [phases, cuts, outages, kills];
  const rig = await startRig({
    mailboxes: scenarios.flatMap(scenario => scenario.rig(true).mailboxes),
    connections: 20,
    hooks: { random: 0.95 },
  });
  try {
    for (const scenario of scenarios) {
      await scenario.run(rig, { isShort: true, lots: lots(SEED), progress: () => {} });
      await rig.heal();
    }
    await travelUntilFinal(rig);
  } finally {
    await rig.close();
  }
  const entries = rig.ledger.entries();
  t.diagnostic(`\n${tableOf(tallies(entries))}`);
  const breaches = entries.filter(entry => breachOf(entry) !== undefined);
  assert.deepEqual(breaches, [], 'every accepted message has one outcome, and what was doubled says why');
  assert.equal(rig.ledger.strays(), 0, 'no mail without an accepted message');
  assert.ok(rig.smtp.struck() > 0, 'connections were cut');
  // Each kind of trouble has left its trace, or the run would prove nothing.
  const codes = new Set(entries.flatMap(entry => entry.final?.events.map(event => event.diagnosis?.code)));
  for (const code of ['smtp_connection_lost', 'smtp_temporary_failure', 'tls_protocol_mismatch', 'unknown_outcome'])
    assert.ok(codes.has(code), `some attempt ended with ${code}`);
});
