import { randomUUID, X509Certificate } from 'node:crypto';
import type { Cloud } from '../cloud.ts';
import type { App } from '../world.ts';

/** One key credential of an app registration. */
export interface RegisteredKey {
  keyId: string;
  /** The certificate, PEM. */
  pem: string;
  /** From when on the token service knows it, by the cloud's clock. */
  knownFromMs: number;
}

const known = new WeakMap<App, RegisteredKey[]>();

/** The key credentials of an app: one for each certificate of the world, whoever put it there, each with an id that stays. */
export function keysOf(app: App): RegisteredKey[] {
  const left = [...(known.get(app) ?? [])];
  const keys = app.certificates.map(pem => {
    const at = left.findIndex(key => key.pem === pem);
    const [found] = at < 0 ? [] : left.splice(at, 1);
    return found ?? { keyId: randomUUID(), pem, knownFromMs: 0 };
  });
  known.set(app, keys);
  return keys;
}

/** Registers a certificate. The token service knows it after `graph.keyPropagationMs`. */
export function addKeyTo(cloud: Cloud, app: App, pem: string): RegisteredKey {
  const key = { keyId: randomUUID(), pem, knownFromMs: cloud.now() + cloud.world.graph.keyPropagationMs };
  known.set(app, [...keysOf(app), key]);
  app.certificates = [...app.certificates, pem];
  return key;
}

/** @returns whether there was a key of that id */
export function removeKeyFrom(app: App, keyId: string): boolean {
  const keys = keysOf(app);
  const left = keys.filter(key => key.keyId !== keyId);
  known.set(app, left);
  app.certificates = left.map(({ pem }) => pem);
  return left.length < keys.length;
}

/** The certificates, PEM, that the token service knows by now. */
export const knownCertificates = (cloud: Cloud, app: App): string[] =>
  keysOf(app)
    .filter(({ knownFromMs }) => knownFromMs <= cloud.now())
    .map(({ pem }) => pem);

/** Whether the certificate is within its validity, by the cloud's clock. */
export function isValidNow(cloud: Cloud, pem: string): boolean {
  const { validFrom, validTo } = new X509Certificate(pem);
  return Date.parse(validFrom) <= cloud.now() && cloud.now() < Date.parse(validTo);
}
