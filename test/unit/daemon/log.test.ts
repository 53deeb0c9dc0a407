import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { waitFor } from '../../../src/core/host/index.js';
import { openLog } from '../../../src/daemon/log.js';

test('an event is unchanged, whatever its fields are called', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mobyvm-log-'));
  try {
    const path = join(directory, 'daemon.log');
    openLog({ path, level: 'info', toConsole: false }).error('step.failed', {
      message: 'no image',
      level: 'x',
    });
    const read = async (): Promise<string> => readFile(path, 'utf8').catch(() => '');
    await waitFor(
      {
        title: 'the line',
        timeoutSeconds: 20,
        hint: '',
        everyMs: 10,
        check: async () => (await read()).endsWith('\n'),
      },
      new AbortController().signal,
    );
    expect(JSON.parse(await read())).toMatchObject({ event: 'step.failed', message: 'no image' });
  } finally {
    await rm(directory, { recursive: true });
  }
});
