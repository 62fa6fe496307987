import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServiceFailure } from '../../shared/domain/failure.ts';
import { codeOfError } from '../../shared/domain/failure-code.ts';

test('a fault of a service has the code of its diagnosis, a fault of ours says that it is one', () => {
  const throttled = new ServiceFailure('slow down', { stage: 'storage', httpStatus: 429 });
  assert.equal(codeOfError(throttled), 'storage_throttled');
  assert.equal(codeOfError(new ServiceFailure('gone', { stage: 'vault', httpStatus: 404 })), 'vault_item_not_found');
  assert.equal(codeOfError(new TypeError('undefined is not a function')), 'internal_error');
  assert.equal(codeOfError('thrown as text'), 'internal_error');
});
