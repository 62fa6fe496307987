import { createHash, createPrivateKey, createPublicKey, randomUUID } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Cloud } from './cloud.ts';
import { answerControl } from './control-api.ts';
import { newCounters } from './counters.ts';
import { defaultWorld } from './default-world.ts';
import { answerEntra } from './entra/answer-entra.ts';
import { createFaults, type HttpPoint } from './faults.ts';
import { answerGraph } from './graph/answer-graph.ts';
import { type HttpCall, type RunningServer, startHttp } from './http-server.ts';
import { answerIdentity } from './identity-endpoint.ts';
import { createMailStore } from './mail-store.ts';
import { createMailboxUse } from './smtp/mailbox-use.ts';
import type { Submission } from './smtp/session.ts';
import { startSmtp } from './smtp/start-smtp.ts';
import { loadState, type State, type TlsIdentity } from './state.ts';
import { answerVault } from './vault/answer-vault.ts';
import { overlay, type World } from './world.ts';

export type { M365, M365Options } from './m365.ts';

import type { M365, M365Options } from './m365.ts';

/** Starts managed identity endpoint, Key Vault, Entra, Microsoft Graph, Exchange Online submission and the control API on 127.0.0.1, in this process. */
export async function startM365(options: M365Options): Promise<M365> {
  const state = await loadState(options.stateDir);
  const ports = options.ports ?? {};
  const identityHeader = randomUUID();
  const privateKey = createPrivateKey(state.entraKey);
  const publicKey = createPublicKey(privateKey);
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const counters = newCounters();
  const cloud: Cloud = {
    world: defaultWorld(state, ''),
    faults: createFaults(counters),
    counters,
    authorityUrl: '',
    vaultUrl: '',
    signingKey: { privateKey, publicKey, kid: createHash('sha1').update(spki).digest('base64url') },
    tokenGeneration: 1,
    now: () => Date.now() + cloud.world.clockOffsetMs,
  };
  const store = createMailStore(options.mailCapacity);
  const use = createMailboxUse();
  const fault = (point: HttpPoint) => (call: HttpCall) =>
    cloud.faults.take(point, { path: call.url.pathname, method: call.method });
  const { tls } = state;
  const servers: RunningServer[] = [];
  const start = async (server: Promise<RunningServer>): Promise<number> => {
    servers.push(await server);
    return servers.at(-1)?.port ?? 0;
  };
  const close = async (): Promise<void> => void (await Promise.all(servers.map(server => server.close())));

  try {
    const entraFault = (call: HttpCall) => fault(call.url.pathname.endsWith('/token') ? 'token' : 'discovery')(call);
    const entra = await start(
      startHttp({ port: ports.entra ?? 0, tls, handle: call => answerEntra(cloud, call), fault: entraFault }),
    );
    cloud.authorityUrl = `https://localhost:${options.authorityPort ?? entra}`;
    const vault = await start(
      startHttp({ port: ports.vault ?? 0, tls, handle: call => answerVault(cloud, call), fault: fault('vault') }),
    );
    cloud.vaultUrl = `https://localhost:${vault}`;
    const graph = await start(
      startHttp({ port: ports.graph ?? 0, tls, handle: call => answerGraph(cloud, call), fault: fault('graph') }),
    );
    const base = defaultWorld(state, cloud.authorityUrl);
    cloud.world = typeof options.world === 'function' ? options.world(base) : overlay<World>(base, options.world);
    const handleIdentity = (call: HttpCall) => answerIdentity(cloud, identityHeader, call);
    const identity = await start(
      startHttp({ port: ports.identity ?? 0, handle: handleIdentity, fault: fault('identity') }),
    );
    const smtp = await start(startSmtp({ cloud, store, use, ...secureContexts(state) }, ports.smtp ?? 0));
    const m365: M365 = {
      settings: settingsOf(cloud, state, { identity, identityHeader, smtp, graph }),
      world: cloud.world,
      faults: cloud.faults,
      mails: store,
      counters,
      state,
      controlUrl: '',
      expireTokens: () => void cloud.tokenGeneration++,
      resetLimits: () => use.reset(),
      close,
    };
    const control = await start(startHttp({ port: ports.control ?? 0, handle: call => answerControl(m365, call) }));
    m365.controlUrl = `http://127.0.0.1:${control}/control`;
    return m365;
  } catch (error) {
    await close();
    throw error;
  }
}

function secureContexts({ tls, badTls }: State): Pick<Submission, 'secureContext' | 'badContexts'> {
  const contextOf = (identity: TlsIdentity) => createSecureContext({ ...identity, minVersion: 'TLSv1.2' });
  const { untrusted, expired, wrongHost } = badTls;
  const badContexts = {
    untrusted: contextOf(untrusted),
    expired: contextOf(expired),
    wrongHost: contextOf(wrongHost),
  };
  return { secureContext: contextOf(tls), badContexts };
}

function settingsOf(
  { world, authorityUrl, vaultUrl }: Cloud,
  state: State,
  found: { identity: number; identityHeader: string; smtp: number; graph: number },
): Record<string, string> {
  return {
    IDENTITY_ENDPOINT: `http://127.0.0.1:${found.identity}/msi/token`,
    IDENTITY_HEADER: found.identityHeader,
    AZURE_CLIENT_ID: world.identities.find(one => one.kind === 'userAssigned')?.clientId ?? '',
    KEY_VAULT_URL: vaultUrl,
    AZURE_AUTHORITY_HOST: authorityUrl,
    MICROSOFT_GRAPH_URL: `https://localhost:${found.graph}`,
    SMTP_HOST: 'localhost',
    SMTP_PORT: String(found.smtp),
    NODE_EXTRA_CA_CERTS: state.caFile,
    MAIL_TENANT_ID: world.tenantId,
    MAIL_CLIENT_ID: world.clientId,
    MAIL_APP_OBJECT_ID: world.apps.find(one => one.clientId === world.clientId)?.applicationObjectId ?? '',
    MAIL_MAILBOX: world.mailboxes[0]?.address ?? '',
    MAIL_CERTIFICATE_NAME: Object.keys(world.vault.certificates)[0] ?? '',
  };
}
