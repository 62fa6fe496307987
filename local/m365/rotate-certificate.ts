import { certificateVersion } from './default-world.ts';
import type { CertificateVersion, World } from './world.ts';
import { type MakeCertificateOptions, makeCertificate } from './x509/make-certificate.ts';

/**
 * Adds a new version to a vault certificate, as a renewal does; `register` (default true) also uploads it to the settings' app.
 * Throws when the vault has no certificate of that name.
 */
export async function rotateCertificate(
  world: World,
  name: string,
  options: MakeCertificateOptions & { register?: boolean } = {},
): Promise<CertificateVersion> {
  const certificate = world.vault.certificates[name];
  if (!certificate) throw new Error(`The vault has no certificate named ${name}.`);
  const made = await makeCertificate(options);
  const version = certificateVersion(made);
  certificate.versions.push(version);
  const app = world.apps.find(one => one.clientId === world.clientId);
  if (options.register !== false) app?.certificates.push(made.pem);
  return version;
}
