import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layerProblems, problemsIn } from '../../scripts/check-layers.ts';

test('imports point one way, without cycles', async () => {
  assert.deepEqual(await layerProblems(), []);
});

test('an import of a layer above is named with the rule that it breaks', () => {
  const source = "import { tableMessages } from '../adapters/storage/table-messages.ts';\n";
  const [problem, ...more] = problemsIn([{ file: 'shared/domain/sender.ts', source }]);
  assert.match(
    problem ?? '',
    /^shared\/domain\/sender\.ts imports shared\/adapters\/storage\/table-messages\.ts; shared\/domain may/,
  );
  assert.deepEqual(more, []);
});

test('no folder is left out: the accounts of faults do not use the code that they judge', () => {
  const source = "import type { ProbeRun } from '../../shared/domain/probe-run.ts';\n";
  assert.match(
    problemsIn([{ file: 'faults/probe/run.ts', source }]).join(),
    /faults may import faults, local, test\/support/,
  );
  assert.match(problemsIn([{ file: 'tools/new.ts', source: '' }]).join(), /tools\/new\.ts is in no layer/);
});

test('a file that only hands on is refused, one that hands on its own dependencies’ types is not', () => {
  const handedOn =
    "/** All of it. */\nexport { diagnose } from './diagnose.ts';\nexport type {\n  Facts,\n} from './facts.ts';\n";
  const file = 'shared/domain/diagnosis/all.ts';
  assert.match(problemsIn([{ file, source: handedOn }]).join(), /only hands on/);
  assert.match(problemsIn([{ file, source: "export * from './facts.ts';" }]).join(), /only hands on/);
  assert.deepEqual(problemsIn([{ file, source: `${handedOn}export const limit = 3;\n` }]), []);
});
