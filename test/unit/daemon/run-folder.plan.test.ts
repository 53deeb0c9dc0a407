import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { status } from '../../../src/cli/status.js';
import { startInBackground } from '../../../src/daemon/background-start.js';
import { hostServices } from '../../../src/daemon/host-services.js';
import { ProcessEnd } from '../../../src/daemon/process-end.js';
import { refuseUnusableRunFolder } from '../../../src/daemon/run-folder.plan.js';
import { linuxPaths } from '../../../src/protocol/paths.js';
import { commandContext } from '../../support/cli-context.js';

test.each([
  ['91 bytes', `/${'r'.repeat(90)}`],
  ['91 bytes with umlauts', `/${'ü'.repeat(45)}`],
])('a run folder of %s fits', (_what, folder) => {
  expect(() => refuseUnusableRunFolder(folder)).not.toThrow();
});

test.each([
  ['92 bytes', `/${'r'.repeat(91)}`, 92],
  ['47 characters that are 93 bytes', `/${'ü'.repeat(46)}`, 93],
])('a run folder of %s does not', (_what, folder, bytes) => {
  expect(() => refuseUnusableRunFolder(folder)).toThrow(`${folder} has ${bytes} bytes; 91 fit.`);
});

test.each([
  ['a percent sign', '/run/100%'],
  ['a line break', '/run/a\nb'],
])('a run folder with %s is refused: Docker clients cannot name it', (_what, folder) => {
  expect(() => refuseUnusableRunFolder(folder)).toThrow('Docker clients cannot use the run folder');
});

test.each(['/run/a b', '/run/a,b \'c\' "d"', '/run/ü', '/run/$x'])(
  'the run folder %s can be used',
  (folder) => {
    expect(() => refuseUnusableRunFolder(folder)).not.toThrow();
  },
);

test('a run folder that is too long is named before anything is made, and status only says that nothing runs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-long-'));
  try {
    const paths = linuxPaths({
      MOBYVM_STATE_DIR: join(folder, 'state'),
      MOBYVM_RUN_DIR: join(folder, 'r'.repeat(120)),
      MOBYVM_LOG_DIR: join(folder, 'log'),
      MOBYVM_SETTINGS: join(folder, 'settings.json'),
    });
    const context = commandContext({ paths });
    const daemon = {
      ...context,
      ...hostServices('linux', { userId: 0, env: {} }),
      self: ['false', ''] as const,
      processEnd: new ProcessEnd(process),
      printError: () => undefined,
    };
    const starting = startInBackground(daemon, { namespace: undefined, checksSettings: true });
    await expect(starting).rejects.toMatchObject({ code: 'MOBYVM_SETTINGS' });
    expect(['state', 'log', 'r'.repeat(120)].filter((name) => existsSync(join(folder, name)))).toEqual([]);
    expect(await status(context, { json: false, watch: false, timings: false, verbose: false })).toBe(1);
  } finally {
    await rm(folder, { recursive: true });
  }
});
