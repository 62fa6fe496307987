import { patchWorld, type WorldPatch } from './control-world.ts';
import type { Fault } from './faults.ts';
import type { HttpAnswer, HttpCall } from './http-server.ts';
import type { M365 } from './m365.ts';
import type { StoredMail } from './mail-store.ts';

/**
 * The simulators' own API, for tests in other processes and for people. JSON throughout:
 * GET state, counters, faults, mails, mails/{id}; GET mails/{id}/raw (message/rfc822); PUT and DELETE faults; PATCH world; DELETE mails.
 * All under /control. No authentication: it listens on 127.0.0.1 only.
 */
export async function answerControl(m365: M365, call: HttpCall): Promise<HttpAnswer> {
  const [, root, what = '', id = '', part = ''] = call.url.pathname.split('/');
  if (root !== 'control') return { status: 404 };
  try {
    switch (`${call.method} ${what}${id ? '/*' : ''}${part ? `/${part}` : ''}`) {
      case 'GET state':
        return ok(stateOf(m365));
      case 'GET counters':
        return ok(m365.counters);
      case 'GET faults':
        return ok(m365.faults.list());
      case 'PUT faults':
        m365.faults.set(JSON.parse(call.body) as Fault | Fault[]);
        return ok(m365.faults.list());
      case 'DELETE faults':
        m365.faults.clear();
        return { status: 204 };
      case 'PATCH world':
        await patchWorld(m365, JSON.parse(call.body) as WorldPatch);
        return ok(stateOf(m365));
      case 'GET mails':
        return ok(m365.mails.list().map(summary));
      case 'DELETE mails':
        m365.mails.clear();
        return { status: 204 };
      case 'GET mails/*':
        return ofMail(m365, id, mail =>
          ok({ ...summary(mail), transcript: mail.transcript, raw: mail.raw.toString() }),
        );
      case 'GET mails/*/raw':
        return ofMail(m365, id, mail => ({
          status: 200,
          headers: { 'Content-Type': 'message/rfc822' },
          body: mail.raw,
        }));
      default:
        return { status: 404, body: { error: 'No such call.' } };
    }
  } catch (error) {
    return { status: 400, body: { error: error instanceof Error ? error.message : String(error) } };
  }
}

const ok = (body: unknown): HttpAnswer => ({ status: 200, body });

function ofMail(m365: M365, id: string, answer: (mail: StoredMail) => HttpAnswer): HttpAnswer {
  const mail = m365.mails.get(id);
  return mail ? answer(mail) : { status: 404, body: { error: 'No such mail.' } };
}

const summary = ({ raw, transcript, ...rest }: StoredMail): Record<string, unknown> => ({
  ...rest,
  bytes: raw.length,
  replies: transcript.length,
});

/** Everything worth seeing but private keys and secrets. */
function stateOf({ settings, world, faults, mails, counters }: M365): Record<string, unknown> {
  const { vault, apps, ...rest } = world;
  return {
    settings,
    world: {
      ...rest,
      apps: apps.map(({ secrets, ...app }) => ({ ...app, secrets: secrets.map(({ expiresAt }) => ({ expiresAt })) })),
      vault: {
        name: vault.name,
        secrets: Object.keys(vault.secrets),
        certificates: Object.entries(vault.certificates).map(([name, { versions, ...certificate }]) => ({
          name,
          ...certificate,
          versions: versions.map(({ key: _key, ...version }) => version),
        })),
      },
    },
    faults: faults.list(),
    mails: mails.list().length,
    counters,
  };
}
