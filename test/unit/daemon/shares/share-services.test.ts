import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../../../src/core/host/index.js';
import type { FileEvents } from '../../../../src/daemon/shares/file-events.js';
import { ShareServices } from '../../../../src/daemon/shares/share-services.js';
import { settingsSchema } from '../../../../src/daemon/settings/schema.js';
import { FakeCredentials, FakeShareWorld, NO_LINKS } from '../../../support/share-fake.js';

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
  const world = new FakeLinkedWorld();
  services = new ShareServices({
    rule: 'linux',
    sharesFile: join(folder, 'shares.json'),
    fileServer: world,
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
  return async () => {
    await services.close();
    await rm(folder, { recursive: true });
  };
});

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
