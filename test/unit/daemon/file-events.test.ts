import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../../src/core/host/index.js';
import { MobyvmError } from '../../../src/core/values/index.js';
import { startFileEvents, type FileEvents } from '../../../src/daemon/shares/file-events.js';
import type { ContainerList } from '../../../src/proxy/index.js';
import {
  DEFAULT_OWNER,
  type HostWatcherOptions,
  type Share,
  type WatchedFolder,
} from '../../../src/share/index.js';

let base: string;
let containers: ContainerList;
let watched: (readonly WatchedFolder[])[];
let watcher: HostWatcherOptions | undefined;
let closed: number;
let events: FileEvents;

beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'mobyvm-file-events-')));
  await mkdir(join(base, 'site'));
  await writeFile(join(base, 'app.conf'), '');
  await symlink('site', join(base, 'link'));
  await symlink('/etc', join(base, 'outside'));
  containers = [];
  watched = [];
  watcher = undefined;
  closed = 0;
});
afterEach(async () => {
  await events.close();
  await rm(base, { recursive: true });
});

function start(mayWatch = true): FileEvents {
  const share: Share = {
    id: 'C',
    name: 'C',
    hostPath: base,
    points: ['/C', '/c'],
    isReadOnly: false,
    account: { kind: 'private' },
    owner: DEFAULT_OWNER,
  };
  events = startFileEvents({
    watcher: (options) => {
      if (!mayWatch) return Promise.reject(new MobyvmError('MOBYVM_SHARE', 'It cannot be watched', 'Do it.'));
      watcher = options;
      return Promise.resolve({
        watch: (folders) => {
          watched.push(folders);
          return Promise.resolve([]);
        },
        close: () => {
          closed += 1;
          return Promise.resolve();
        },
      });
    },
    dial: () => Promise.reject(new MobyvmError('MOBYVM_ENGINE_UNREACHABLE', 'none', '')),
    containers: () => Promise.resolve(containers),
    shares: () => [share],
    logger: silentLogger,
  });
  return events;
}

const binding = (...sources: readonly string[]): ContainerList => [
  { Id: 'x', Mounts: sources.map((Source) => ({ Type: 'bind', Source })) },
];

describe('file events', () => {
  test('watch nothing before a container binds a share', async () => {
    await start().refresh();
    expect(watcher).toBeUndefined();
    expect(events.status()).toEqual({ mechanism: undefined, watched: 0, problems: [] });
  });

  test('watch what running containers bind, links where they lead inside the share, and stop when they end', async () => {
    containers = binding('/C/link', '/c/app.conf', '/C/none', '/C/outside/ssl', '/var/lib');
    await start().refresh();
    await events.refresh();
    expect(watched).toEqual([[{ path: join(base, 'site') }, { path: base, only: ['app.conf'] }]]);
    expect(events.status().watched).toBe(2);
    containers = [];
    await events.refresh();
    expect(watched.at(-1)).toEqual([]);
    expect(events.status().watched).toBe(0);
    await events.close();
    expect(closed).toBe(1);
  });

  test('tell why the host cannot be watched', async () => {
    containers = binding('/C/site');
    await start(false).refresh();
    expect(events.status().problems).toMatchObject([{ reason: 'It cannot be watched' }]);
  });

  test('tell that the watcher has failed', async () => {
    containers = binding('/C/site');
    await start().refresh();
    watcher?.onFailure('its thread ended');
    expect(events.status().problems).toMatchObject([{ reason: 'its thread ended' }]);
  });
});
