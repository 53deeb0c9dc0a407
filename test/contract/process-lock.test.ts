import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { linuxProcessTable } from '../../src/core/host/index.js';
import { fileLock } from '../../src/daemon/process-lock.js';
import { compiledSource } from '../support/compiled.js';
import { describeLock, type LockUnderTest } from './process-lock.js';

async function lockFile(): Promise<LockUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), 'mobyvm-lock-'));
  const path = join(directory, 'daemon.lock');
  return {
    open: () => fileLock(path, linuxProcessTable),
    takingProgram: async () => [process.execPath, '--input-type=module', '-e', await scriptThatTakes(path)],
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

async function scriptThatTakes(path: string): Promise<string> {
  const source = await compiledSource();
  return `
    import { linuxProcessTable } from '${source}/core/host/index.js';
    import { fileLock } from '${source}/daemon/process-lock.js';
    await fileLock('${path}', linuxProcessTable).take();
    console.log('taken');
    process.stdin.resume();`;
}

describeLock('Linux, a file', lockFile);
