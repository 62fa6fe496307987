import type { HttpAnswer } from '../http-server.ts';

/** An error as Key Vault writes it: `{error: {code, message, innererror?}}`. */
export const vaultError = (status: number, code: string, message: string, inner?: string): HttpAnswer => ({
  status,
  body: { error: { code, message, ...(inner ? { innererror: { code: inner } } : {}) } },
});

/** 404 of a secret, key or certificate (or one version of it) that the vault does not have. */
export const notFound = (kind: 'Secret' | 'Key' | 'Certificate', id: string): HttpAnswer =>
  vaultError(
    404,
    `${kind}NotFound`,
    `A ${kind.toLowerCase()} with (name/id) ${id} was not found in this key vault. If you recently deleted this ${kind.toLowerCase()} you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182`,
  );

/** 403 of an operation on a disabled version. */
export const disabled = (kind: 'secret' | 'key', operation: string): HttpAnswer =>
  vaultError(
    403,
    'Forbidden',
    `Operation ${operation} is not allowed on a disabled ${kind}.`,
    kind === 'secret' ? 'SecretDisabled' : 'KeyDisabled',
  );

/** 403 of a key used outside its nbf and exp. Only keys are held to them; secrets can be read at any time. */
export const keyOutOfTime = (operation: string, which: 'an expired' | 'a not yet valid'): HttpAnswer =>
  vaultError(403, 'Forbidden', `Operation ${operation} is not allowed on ${which} key.`, 'KeyExpired');
