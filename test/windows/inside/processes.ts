import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { mutexLock } from '../../../src/daemon/windows/mutex-lock.js';
import { closeHandle } from '../../../src/windows/calls/handles.js';
import { createMutex, openMutex } from '../../../src/windows/calls/mutexes.js';
import { securityAttributes } from '../../../src/windows/calls/security-attributes.js';
import { accessListOf, localFree, securityDescriptor } from '../../../src/windows/calls/security.js';
import { globalMutexes, windowsProcesses } from '../../../src/windows/index.js';
import { securityFrom } from '../../../src/windows/security.plan.js';
import { describeLock, type LockUnderTest } from '../../contract/process-lock.js';
import { describeProcessTable } from '../../contract/process-table.js';

describeProcessTable('Windows, GetProcessTimes', windowsProcesses);

it('a start id is the time at which the process was created', async () => {
  const before = Date.now();
  const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' });
  try {
    const { startId = '0' } = (await windowsProcesses.find(child.pid ?? 0)) ?? {};
    // FILETIME counts from 1601.
    const startedMs = Number(BigInt(startId) / 10_000n) - 11_644_473_600_000;
    expect(Math.abs(startedMs - before)).toBeLessThan(60_000);
  } finally {
    child.kill();
  }
});

interface LockOnDisk extends LockUnderTest {
  readonly path: string;
  readonly folder: string;
}

async function makeLock(): Promise<LockOnDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-lock-'));
  const path = join(folder, 'daemon.lock');
  const program = fileURLToPath(new URL('./take-lock.js', import.meta.url));
  return {
    path,
    folder,
    open: () => mutexLock({ path, mutexes: globalMutexes, processes: windowsProcesses }),
    takingProgram: () => Promise.resolve([process.execPath, program, path]),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

describeLock('Windows, a mutex', makeLock);

it('a lock that two starters want is given to one of them, in whatever case they write its path', async () => {
  await using under = await makeLock();
  const [program, file = ''] = await under.takingProgram();
  const starters = [under.path, under.path.toUpperCase()].map((path) =>
    spawn(program, [file, path], { stdio: ['pipe', 'pipe', 'pipe'] }),
  );
  try {
    const [first, second] = starters.map(async (child) => {
      let errors = '';
      child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
      const taken = once(child.stdout, 'data').then(() => 'taken');
      const ended = once(child, 'exit').then(() => errors);
      return Promise.race([taken, ended]);
    });
    const results = await Promise.all([first, second]);
    expect(results.filter((result) => result === 'taken')).toHaveLength(1);
    expect(results.find((result) => result !== 'taken')).toContain('MOBYVM_DAEMON_RUNNING');
  } finally {
    for (const child of starters) {
      const hasEnded = child.exitCode !== null || child.signalCode !== null;
      const ended = hasEnded ? undefined : once(child, 'exit');
      child.kill();
      await ended;
    }
  }
});

it('a killed holder leaves a file that names nobody, and the next holder replaces it', async () => {
  await using under = await makeLock();
  await writeFile(under.path, JSON.stringify({ pid: process.pid, startTime: '1', startedAt: 'long ago' }));
  expect(await under.open().holder()).toBeUndefined();
  const lock = await under.open().take();
  expect(await under.open().holder()).toMatchObject({ pid: process.pid });
  await rm(under.path);
  expect(await lock.restore()).toBe(true);
  expect(await under.open().holder()).toMatchObject({ pid: process.pid });
  await lock.release();
  lock.releaseAtExit();
  expect(await readdir(under.folder)).toEqual([]);
});

const READ_CONTROL = 0x2_0000;

it('users may see that a mutex exists, and only administrators may take it', async () => {
  const held = (await globalMutexes()).take('mobyvm_test_access');
  if (typeof held === 'string') return expect.unreachable(held);
  const handle = openMutex(READ_CONTROL, 0, 'Global\\mobyvm_test_access');
  try {
    const { entries = [] } = securityFrom(accessListOf(handle));
    const sids = entries.map(({ sid }) => sid);
    expect(sids).toEqual(['S-1-5-18', 'S-1-5-32-544', 'S-1-5-32-545']);
    expect(entries[2]).toMatchObject({ type: 'A', mask: 0x2_0001 });
  } finally {
    closeHandle(handle);
    held.release();
  }
  expect((await globalMutexes()).exists('mobyvm_test_access')).toBe(false);
});

it('a mutex that an ordinary user has created in advance is refused', async () => {
  const descriptor = securityDescriptor('O:BUD:(A;;GA;;;WD)');
  const planted = createMutex(securityAttributes(descriptor), 0, 'Global\\mobyvm_test_planted');
  localFree(descriptor);
  expect((await globalMutexes()).take('mobyvm_test_planted')).toBe('foreign');
  closeHandle(planted);
  const held = (await globalMutexes()).take('mobyvm_test_planted');
  if (typeof held === 'string') return expect.unreachable(held);
  held.release();
  held.release();
});
