import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../../../src/core/host/index.js';
import { shellContainer } from '../../../../src/daemon/guest-shell/shell-container.plan.js';
import { shellImage } from '../../../../src/daemon/guest-shell/shell-image.plan.js';

test('the image is a tar file of empty folders and a link', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-shell-image-'));
  try {
    const file = join(folder, 'image.tar');
    await writeFile(file, shellImage());
    const { stdout, stderr } = await run('tar', ['--numeric-owner', '-tvf', file]);
    const entries = stdout.trimEnd().split('\n');
    expect(entries.map((entry) => entry.replace(/\s+0 1970-01-01 \S+/, ''))).toEqual([
      'drwxr-xr-x 0/0 usr/',
      'drwxr-xr-x 0/0 bin/',
      'drwxr-xr-x 0/0 lib/',
      'lrwxr-xr-x 0/0 lib64 -> usr/lib64',
    ]);
    expect(stderr).toBe('');
  } finally {
    await rm(folder, { recursive: true });
  }
});

const PLAIN = { image: 'sha256:1', mark: 'm', request: { command: ['ls', '-l'] } };

test('the command is run in the namespaces of the first process, without a shell in between', () => {
  expect(shellContainer(PLAIN)).toMatchObject({
    Cmd: ['nsenter', '-t', '1', '-m', '-u', '-i', '-n', '-p', '--', 'ls', '-l'],
    Tty: false,
    HostConfig: { AutoRemove: true, Privileged: true, PidMode: 'host', NetworkMode: 'host' },
  });
});

test('without a command it is a shell, with the type and size of the terminal', () => {
  const terminal = { type: 'xterm', columns: 90, rows: 20 };
  const made = shellContainer({ ...PLAIN, request: { command: [], terminal } });
  expect(made).toMatchObject({ Tty: true, HostConfig: { ConsoleSize: [20, 90] } });
  expect(JSON.stringify(made)).toContain('"--","/bin/sh"]');
  expect(JSON.stringify(made)).toContain('"TERM=xterm"');
});
