import { createPublicKey, generateKeyPair, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Issuer, issueCertificate, toPem } from './x509/issue-certificate.ts';
import { type MadeCertificate, makeCertificate, pkcs8Pem } from './x509/make-certificate.ts';

/** Signed by nobody we know; past its validity; for another host. The last two are the CA's. */
export type BadCertificate = 'untrusted' | 'expired' | 'wrongHost';

export interface TlsIdentity {
  cert: string;
  key: string;
}

/** Keys and certificates that outlive a restart, so that a second start takes milliseconds and what trusted the CA still does. */
export interface State {
  /** Path of the CA's PEM, for NODE_EXTRA_CA_CERTS. */
  caFile: string;
  caPem: string;
  /** TLS certificate and key of every server here: localhost and 127.0.0.1. */
  tls: TlsIdentity;
  /** Certificates that a careful client must refuse, for the fault `certificate`. */
  badTls: Record<BadCertificate, TlsIdentity>;
  /** Entra's token signing key, PKCS#8 PEM. */
  entraKey: string;
  /** Credentials of the app, by name of the vault certificate that holds them. */
  certificates: Record<'exosend-smtp' | 'exosend-smtp-pem' | 'exosend-smtp-vault', MadeCertificate>;
}

type Material = Omit<State, 'caFile'>;
const DAY_MS = 86_400_000;
const generate = promisify(generateKeyPair);

/** Reads the state in `stateDir`, or makes it (about a second: three RSA keys of 3072 bits). Safe when several processes start at once. */
export async function loadState(stateDir: string): Promise<State> {
  const folder = join(stateDir, 'm365');
  const caFile = join(folder, 'ca.pem');
  const found = await read(folder);
  if (found && isFresh(found)) return { ...found, caFile };
  if (found) await rm(folder, { recursive: true, force: true });
  await mkdir(stateDir, { recursive: true });
  const draft = await mkdtemp(join(stateDir, 'm365-'));
  const made = await make();
  await writeFile(join(draft, 'state.json'), JSON.stringify(made), { mode: 0o600 });
  await writeFile(join(draft, 'ca.pem'), made.caPem);
  try {
    await rename(draft, folder);
    return { ...made, caFile };
  } catch (error) {
    // Another process was quicker: its state is everybody's.
    await rm(draft, { recursive: true, force: true });
    const winner = await read(folder);
    if (!winner) throw error;
    return { ...winner, caFile };
  }
}

async function read(folder: string): Promise<Material | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, 'state.json'), 'utf8')) as Material;
  } catch {
    return undefined;
  }
}

/** Made by this version of the code, and with two months left. */
const isFresh = (material: Material): boolean =>
  material.badTls !== undefined &&
  [material.tls.cert, ...Object.values(material.certificates).map(made => made.pem)].every(
    pem => Date.parse(new X509Certificate(pem).validTo) - Date.now() > 60 * DAY_MS,
  );

async function make(): Promise<Material> {
  const [ca, leaf, stranger, entra, pfx, pem, vault] = await Promise.all([
    generate('ec', { namedCurve: 'P-256' }),
    generate('ec', { namedCurve: 'P-256' }),
    generate('ec', { namedCurve: 'P-256' }),
    generate('rsa', { modulusLength: 2048 }),
    makeCertificate({ commonName: 'exosend' }),
    makeCertificate({ commonName: 'exosend' }),
    makeCertificate({ commonName: 'exosend' }),
  ]);
  const issuer: Issuer = { commonName: 'Exosend local cloud CA', ...ca };
  const caDer = issueCertificate({ ...issuer, issuer, ...validity(800), isCa: true });
  return {
    caPem: toPem(caDer, 'CERTIFICATE'),
    tls: issueTls(issuer, leaf.privateKey, 'localhost', 800),
    badTls: {
      untrusted: issueTls({ ...issuer, ...stranger }, leaf.privateKey, 'localhost', 800),
      expired: issueTls(issuer, leaf.privateKey, 'localhost', -1),
      wrongHost: issueTls(issuer, leaf.privateKey, 'elsewhere.example', 800),
    },
    entraKey: pkcs8Pem(entra.privateKey),
    certificates: { 'exosend-smtp': pfx, 'exosend-smtp-pem': pem, 'exosend-smtp-vault': vault },
  };
}

function issueTls(issuer: Issuer, privateKey: KeyObject, host: string, days: number): TlsIdentity {
  const der = issueCertificate({
    commonName: host,
    publicKey: createPublicKey(privateKey),
    issuer,
    ...validity(days),
    dnsNames: [host],
    ipAddresses: host === 'localhost' ? ['127.0.0.1'] : [],
  });
  return { cert: toPem(der, 'CERTIFICATE'), key: pkcs8Pem(privateKey) };
}

/** From some days ago until in `days` days. */
const validity = (days: number): { notBefore: Date; notAfter: Date } => ({
  notBefore: new Date(Date.now() - 5 * DAY_MS),
  notAfter: new Date(Date.now() + days * DAY_MS),
});
