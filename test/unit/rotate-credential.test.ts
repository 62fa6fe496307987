import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noteOf, withNote } from '../../shared/domain/key-note.ts';
import type { LogFields } from '../../shared/domain/ports.ts';
import {
  type AppKeys,
  type CertificateVersion,
  GraphFailure,
  RotationBlocked,
} from '../../shared/domain/rotation-ports.ts';
import { revokeKey } from '../../shared/usecases/revoke-key.ts';
import { type RotationOptions, rotateCredential } from '../../shared/usecases/rotate-credential.ts';

const DAY = 86_400_000;
const START = Date.parse('2026-11-21T00:00:00Z');
const OBJECT_ID = 'object';
const OPTIONS: RotationOptions = { when: 'due', graceMs: 0, waitMs: 60_000, settleMs: 120_000 };

interface Key {
  keyId: string;
  version: string;
  knownFromMs: number;
}

/** Key Vault and Entra ID as far as a rotation sees them; it can be made to stop at any of its calls. */
function makeWorld({
  apps = ['app-one'],
  objectId = OBJECT_ID as string | null,
  canRead = false,
  givesKeyId = true,
  lagMs = 0,
  spentDays = 300,
} = {}) {
  const world = {
    now: START,
    versions: [] as CertificateVersion[],
    keys: new Map<string, Key[]>(apps.map(app => [app, []])),
    calls: [] as string[],
    lines: [] as LogFields[],
    /** Stops at this call: before it is carried out, or after, so that its answer is lost. */
    stop: undefined as { at: number; when: 'before' | 'after' } | undefined,
    refuse: undefined as GraphFailure | undefined,
    /** The tenant knew no version to begin with. */
    isOrphaned: false,
    makesNothing: false,
  };
  let made = 0;
  const addVersion = (ageDays: number): CertificateVersion => {
    const notBeforeMs = world.now - ageDays * DAY;
    const version = {
      version: `v${++made}`,
      isEnabled: true,
      createdAtMs: notBeforeMs,
      notBeforeMs,
      expiresAtMs: notBeforeMs + 365 * DAY,
      tags: { owner: 'somebody' },
    };
    world.versions = [version, ...world.versions];
    return version;
  };
  const first = addVersion(spentDays);
  let keyIds = 0;
  const addKey = (app: string, version: string): Key => {
    const key = { keyId: `key${++keyIds}`, version, knownFromMs: world.now + lagMs };
    world.keys.get(app)?.push(key);
    return key;
  };
  for (const app of apps) addKey(app, first.version).knownFromMs = 0;
  const isKnown = (app: string, version: string) =>
    (world.keys.get(app) ?? []).some(key => key.version === version && key.knownFromMs <= world.now);
  /** What a running app can do at any moment: sign in by the newest enabled version, or by one of the older ones. */
  const assertAlive = () => {
    for (const app of world.isOrphaned ? [] : apps) {
      const usable = world.versions.filter(({ isEnabled }) => isEnabled);
      assert.ok(
        usable.some(({ version }) => isKnown(app, version)),
        `${app} cannot sign in any more`,
      );
    }
  };

  async function call<T>(what: string, work: () => T): Promise<T> {
    const at = world.calls.push(what) - 1;
    if (world.stop?.at === at && world.stop.when === 'before') throw new Error('stopped');
    const result = work();
    assertAlive();
    if (world.stop?.at === at && world.stop.when === 'after') throw new Error('stopped');
    return result;
  }
  const proofBy = (app: string, version: string) => {
    if (!isKnown(app, version)) throw new GraphFailure('bad proof', { status: 401 });
  };
  const appKeys = (app: string): AppKeys => ({
    clientId: app,
    ...(objectId === null ? {} : { objectId }),
    isAccepted: version =>
      call(`accepts ${version}`, () => {
        assert.ok(world.versions.find(one => one.version === version)?.isEnabled, 'a disabled key signs nothing');
        return isKnown(app, version);
      }),
    read: by =>
      call('read', () => {
        proofBy(app, by);
        if (!canRead) return undefined;
        const keys = (world.keys.get(app) ?? []).map(key => ({
          keyId: key.keyId,
          certificate: Buffer.from(key.version),
        }));
        return { objectId: OBJECT_ID, keys };
      }),
    add: (object, certificate, by) =>
      call('add', () => {
        assert.equal(object, OBJECT_ID);
        proofBy(app, by);
        if (world.refuse) throw world.refuse;
        const { keyId } = addKey(app, Buffer.from(certificate).toString());
        return givesKeyId ? keyId : undefined;
      }),
    remove: (object, keyId, by) =>
      call(`remove ${keyId}`, () => {
        assert.equal(object, OBJECT_ID);
        proofBy(app, by);
        world.keys.set(app, world.keys.get(app)?.filter(key => key.keyId !== keyId) ?? []);
      }),
  });
  const deps = {
    apps: apps.map(appKeys),
    certificates: {
      name: 'cert',
      list: () => call('list', () => world.versions),
      create: () => call('create', () => void (world.makesNothing || addVersion(0))),
      publicPart: (version: string) => call('cer', () => Buffer.from(version)),
      change: (version: string, changes: { tags?: Readonly<Record<string, string>>; isEnabled?: boolean }) =>
        call('change', () => {
          world.versions = world.versions.map(one => (one.version === version ? { ...one, ...changes } : one));
        }),
    },
    clock: {
      now: () => world.now,
      sleep: async (ms: number) => {
        world.now += ms;
      },
    },
    log: (_level: unknown, fields: LogFields) => void world.lines.push(fields),
  };
  return {
    world,
    addVersion,
    addKey,
    rotate: (options: Partial<RotationOptions> = {}) => rotateCredential(deps, { ...OPTIONS, ...options }),
    revoke: (keyId: string, app = 0) => {
      const [found] = deps.apps.slice(app);
      assert.ok(found);
      return revokeKey(deps, found, keyId, false);
    },
    registered: (app = apps[0] ?? '') => (world.keys.get(app) ?? []).map(({ version }) => version),
    enabled: () => world.versions.filter(({ isEnabled }) => isEnabled).map(({ version }) => version),
  };
}

test('a certificate with less than 80 % of its life behind it is left alone', async () => {
  const { world, rotate } = makeWorld({ spentDays: 291 });
  assert.deepEqual(await rotate(), { state: 'current', version: 'v1', left: [] });
  assert.ok(!world.calls.includes('create'));
  assert.equal((await rotate({ when: 'asked' })).version, 'v2', 'unless it is asked for');
});

test('from 80 % of its life on it is replaced, and the old one is gone when its key’s id is known', async () => {
  const { world, rotate, registered, enabled } = makeWorld({ spentDays: 293, canRead: true });
  assert.deepEqual(await rotate(), { state: 'rotated', version: 'v2', left: [] });
  assert.deepEqual([registered(), enabled()], [['v2'], ['v2']]);
  assert.deepEqual(
    world.lines.map(({ event }) => event),
    [
      'credential.rotation.started',
      'credential.rotation.created',
      'credential.rotation.key.added',
      'credential.rotation.accepted',
      'credential.rotation.key.removed',
      'credential.rotation.disabled',
      'credential.rotation.finished',
    ],
  );
  assert.equal(world.versions[0]?.tags['owner'], 'somebody', 'tags of others stay');
});

test('the old key stays for the grace period, however often it is run', async () => {
  const { world, rotate, registered, enabled } = makeWorld({ canRead: true });
  const report = await rotate({ graceMs: DAY });
  assert.equal(report.state, 'grace');
  assert.deepEqual(
    [registered(), enabled()],
    [
      ['v1', 'v2'],
      ['v2', 'v1'],
    ],
  );
  world.now += DAY / 2;
  assert.deepEqual(await rotate({ graceMs: DAY, when: 'asked' }), report, 'to the second the same');
  world.now = report.nextAtMs ?? 0;
  assert.equal((await rotate({ graceMs: DAY })).state, 'rotated');
  assert.deepEqual([registered(), enabled()], [['v2'], ['v2']]);
  assert.equal((await rotate({ graceMs: DAY })).state, 'current');
});

test('a key that an admin registered is left in place and said, where the app may not read its registration', async () => {
  const { rotate, world, registered, enabled } = makeWorld();
  const left = [{ version: 'v1', clientId: 'app-one' }];
  assert.deepEqual(await rotate(), { state: 'rotated', version: 'v2', left });
  assert.deepEqual(
    [registered(), enabled()],
    [
      ['v1', 'v2'],
      ['v2', 'v1'],
    ],
  );
  assert.deepEqual(await rotate(), { state: 'current', version: 'v2', left });
  world.now += 300 * DAY;
  const next = await rotate();
  assert.deepEqual([next.version, next.left, registered()], ['v3', [], ['v1', 'v3']], 'one of its own is taken away');
  assert.deepEqual(enabled(), ['v3'], 'and the one that has expired meanwhile is disabled');
});

test('asked for twice, it is done once', async () => {
  const { world, rotate } = makeWorld({ canRead: true, spentDays: 100 });
  await rotate({ when: 'asked' });
  assert.deepEqual(await rotate({ when: 'asked' }), { state: 'current', version: 'v2', left: [] });
  world.now += 2 * DAY;
  assert.equal((await rotate({ when: 'asked' })).version, 'v3');
  assert.equal((await rotate({ when: 'forced' })).version, 'v4');
});

test('Entra ID takes its time: the run waits, gives up, and the next one goes on', async () => {
  const { world, rotate, registered } = makeWorld({ lagMs: 5 * 60_000, canRead: true });
  assert.equal((await rotate({ waitMs: 60_000 })).state, 'waiting');
  assert.equal((await rotate({ waitMs: 60_000 })).state, 'waiting');
  assert.deepEqual(registered(), ['v1', 'v2'], 'the old one is there as long as the new one is unknown');
  world.now += 5 * 60_000;
  assert.equal((await rotate()).state, 'rotated');
  assert.deepEqual(registered(), ['v2'], 'added once');
});

test('without the object id nothing is begun', async () => {
  const { world, rotate } = makeWorld({ objectId: null });
  await assert.rejects(rotate(), (error: RotationBlocked) => {
    assert.ok(error instanceof RotationBlocked);
    assert.match(error.message, /az ad app show --id app-one/);
    return error.obstacle === 'object_id_unknown';
  });
  assert.equal(world.versions.length, 1);
  const readable = makeWorld({ objectId: null, canRead: true });
  assert.equal((await readable.rotate()).state, 'rotated', 'Graph tells it where it may');
});

test('a version that Key Vault made by itself is registered; one that nobody can vouch for is not', async () => {
  const { addVersion, rotate, registered } = makeWorld({ spentDays: 100, canRead: true });
  addVersion(0);
  assert.equal((await rotate()).state, 'rotated');
  assert.deepEqual(registered(), ['v2']);
  const orphan = makeWorld();
  orphan.world.isOrphaned = true;
  orphan.world.keys.set('app-one', []);
  const isLockedOut = (error: RotationBlocked) => error.obstacle === 'no_registered_version';
  await assert.rejects(orphan.rotate(), isLockedOut);
  const accepted = withNote({}, 'app-one', { state: 'accepted', atMs: orphan.world.now, keyId: 'gone' });
  orphan.world.versions = orphan.world.versions.map(one => ({ ...one, tags: accepted }));
  await assert.rejects(orphan.rotate(), isLockedOut, 'also where the key was there just now');
  orphan.world.versions = [];
  await assert.rejects(orphan.rotate(), (error: RotationBlocked) => error.obstacle === 'no_certificate');
});

test('a refusal by Graph leaves nothing to wait for', async () => {
  const { world, rotate } = makeWorld({ canRead: true });
  world.refuse = new GraphFailure('denied', { status: 403 });
  await assert.rejects(rotate(), /denied/);
  assert.equal(noteOf(world.versions[0]?.tags ?? {}, 'app-one'), undefined);
  world.refuse = undefined;
  const begun = world.now;
  assert.equal((await rotate()).state, 'rotated');
  assert.ok(world.now - begun < 10_000);
});

test('a key of one app is taken away, and its version stays as long as another app signs in with it', async () => {
  const { revoke, rotate, registered, enabled } = makeWorld({ apps: ['app-one', 'app-two'], canRead: true });
  await rotate({ graceMs: DAY });
  assert.deepEqual(await revoke('key1'), { disabled: [], kept: [{ version: 'v1', usedBy: ['app-two'] }] });
  assert.deepEqual([registered('app-one'), registered('app-two')], [['v2'], ['v1', 'v2']]);
  assert.deepEqual(enabled(), ['v2', 'v1']);
  assert.deepEqual(await revoke('key2', 1), { disabled: ['v1'], kept: [] });
  assert.deepEqual([registered('app-two'), enabled()], [['v2'], ['v2']]);
});

test('where Key Vault makes no new version, the way to see why is said', async () => {
  const { world, rotate } = makeWorld();
  world.makesNothing = true;
  await assert.rejects(rotate(), (error: RotationBlocked) => {
    assert.equal(error.obstacle, 'no_new_version');
    assert.match(error.message, /az keyvault certificate pending show .* --name cert/);
    return true;
  });
});

/** Every place where it can stop, twice over: before a call is carried out, and after it, with the answer lost. */
for (const [what, options] of [
  ['one app', {}],
  ['one app that may read its registration', { canRead: true, objectId: null }],
  ['two apps', { apps: ['app-one', 'app-two'] }],
  ['an Entra ID that lags behind', { lagMs: 20_000 }],
  ['a Graph that gives no keyId', { givesKeyId: false }],
] as const) {
  for (const when of ['before', 'after'] as const) {
    test(`stopped ${when} each call in turn and run again, it ends the same: ${what}`, async () => {
      const make = () => makeWorld({ ...options, apps: [...('apps' in options ? options.apps : ['app-one'])] });
      const whole = make();
      const expected = await whole.rotate();
      for (let at = 0; at < whole.world.calls.length; at++) {
        const { world, rotate, registered, enabled } = make();
        world.stop = { at, when };
        await assert.rejects(rotate(), /stopped/, `call ${at}`);
        world.stop = undefined;
        // Minutes later, as the timer: an answer that was lost has shown itself by then.
        let report = await rotate();
        for (let run = 0; report.state === 'waiting' && run < 9; run++) {
          world.now += 60_000;
          report = await rotate();
        }
        const where = `stopped ${when} call ${at} (${whole.world.calls[at]})`;
        assert.equal(report.version, expected.version, where);
        assert.ok(report.state === 'rotated' || report.state === 'current', `${where}: ${report.state}`);
        for (const app of world.keys.keys()) assert.deepEqual(registered(app), whole.registered(app), where);
        assert.deepEqual(enabled(), whole.enabled(), where);
        assert.equal(world.versions.length, 2, where);
      }
    });
  }
}
