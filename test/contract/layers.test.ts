import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layerProblems } from '../../scripts/check-layers.ts';

test('imports point one way, without cycles', async () => {
  assert.deepEqual(await layerProblems(), []);
});
