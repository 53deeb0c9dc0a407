import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../../../src/core/host/index.js';
import type { FileEvents } from '../../../../src/daemon/shares/file-events.js';
import { ShareServices } from '../../../../src/daemon/shares/share-services.js';
import { settingsSchema } from '../../../../src/daemon/settings/schema.js';
import { fileServerOnDemand, type FileServer } from '../../../../src/share/index.js';
import { MobyvmError } from '../../../../src/core/values/index.js';
import { FakeCredentials, FakeShareWorld, NO_LINKS, PLACE } from '../../../support/share-fake.js';

class FakeLinkedWorld extends FakeShareWorld {
  attach(): void {
    return undefined;
  }
}

let started: number;
let closed: number;
let services: ShareServices;
let folder: string;

beforeEach(async () => {
  started = 0;
  closed = 0;
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-share-services-'));
  services = servicesWith(new FakeLinkedWorld());
  return async () => {
    await services.close();
    await rm(folder, { recursive: true });
  };
});

function servicesWith(world: FakeLinkedWorld, fileServer: FileServer = world): ShareServices {
  return new ShareServices({
    rule: 'linux',
    sharesFile: join(folder, 'shares.json'),
    fileServer,
    fileServerPorts: [445],
    mounts: world,
    held: { list: () => Promise.resolve([]), start: () => Promise.resolve([]) },
    credentials: new FakeCredentials(),
    token: () => undefined,
    checkMs: 1_000,
    startLinks: NO_LINKS,
    startFileEvents: () => {
      started += 1;
      return runningEvents();
    },
    logger: silentLogger,
  });
}

function runningEvents(): FileEvents {
  return {
    onLink: () => undefined,
    refresh: () => Promise.resolve(),
    status: () => ({ mechanism: 'module', watched: 1, problems: [] }),
    close: () => {
      closed += 1;
      return Promise.resolve();
    },
  };
}

const prepare = (fileEvents: boolean) => services.prepare(settingsSchema.parse({ share: { fileEvents } }));

describe('the setting share.fileEvents', () => {
  test('on starts file events with the engine, and ends them with the VM', async () => {
    await prepare(true);
    expect(started).toBe(0);
    services.engineReady();
    expect(await services.describe()).toMatchObject({ fileEvents: { mechanism: 'module' } });
    services.vmLost();
    expect([started, closed]).toEqual([1, 1]);
  });

  test('off never starts them', async () => {
    await prepare(false);
    services.engineReady();
    await prepare(false);
    expect(started).toBe(0);
    expect(await services.describe()).not.toHaveProperty('fileEvents');
  });

  test('off ends those that run, and on starts them again', async () => {
    await prepare(true);
    services.engineReady();
    await prepare(false);
    expect([started, closed]).toEqual([1, 1]);
    expect(await services.describe()).not.toHaveProperty('fileEvents');
    await prepare(true);
    expect([started, closed]).toEqual([2, 1]);
  });
});

test('a share that is added while its server cannot exist here says why at once', async () => {
  const remedy = 'Use a folder with a plain, shorter name (MOBYVM_RUN_DIR).';
  const server = fileServerOnDemand(() => {
    throw new MobyvmError('MOBYVM_SHARE_SERVER', 'smb.conf cannot carry the path /r"un.', remedy);
  });
  services = servicesWith(new FakeLinkedWorld(), server);
  await prepare(false);
  const { signal } = new AbortController();
  const context = { signal, progress: () => undefined, onFailure: () => undefined };
  // Without a share, there is no file server to set up.
  for (const resource of services.resources(PLACE)) await resource.ensure(context);
  services.vmReady();
  const request = { name: 'C', path: folder, isReadOnly: false, user: undefined, owner: {} };
  const { status } = await services.shares.add(request, undefined, signal);
  expect(status).toMatchObject({
    state: 'unreachable',
    failure: { reason: 'smb.conf cannot carry the path /r"un', remedy },
  });
});
