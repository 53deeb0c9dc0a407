import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../src/core/host/index.js';

const ROOT = resolve(import.meta.dirname, '../..');
const ANY_EXIT_CODE = Array.from({ length: 256 }, (_, code) => code);

test('the image that `scripts/up` makes offers what busybox can do, and nothing that crashes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-busybox-'));
  try {
    const script = 'root=$PWD; . scripts/lib/steps.sh; make_busybox_root "$1"';
    await run('bash', ['-ec', script, 'make', folder], { cwd: ROOT });
    const programs = await readdir(join(folder, 'bin'));
    expect(programs).toEqual(
      expect.arrayContaining(['sh', 'true', 'nc', 'httpd', 'nslookup', 'ping', 'stat', 'tar', 'vi']),
    );
    expect(programs).not.toContain('wget');
    for (const name of ['true', 'nc', 'httpd']) {
      // Which of them have a help, and what exit code that has, is up to busybox; a signal is above 128.
      const { exitCode } = await run(join(folder, 'bin', name), ['--help'], {
        acceptExitCodes: ANY_EXIT_CODE,
      });
      expect(exitCode).toBeLessThan(2);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
