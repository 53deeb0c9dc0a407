import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PRIVATE_ACCOUNT, checkPassword } from '../../src/share/index.js';
import { PLACE, SambaHost, serve, shareOf } from '../support/share/samba-host.js';

const PROGRAM = join(import.meta.dirname, '../fixtures/programs/smb-logins.py');

test('any password that can be entered lets the VM in, and no other does', async () => {
  await using host = await SambaHost.create();
  const server = host.server();
  const share = shareOf('C', await host.shareFolder('c', 1));
  await serve(server, [share]);
  const client = host.vm.start('/usr/bin/python3', [PROGRAM, PLACE.hostAddress, '445', 'C']);
  const answer = async (password: string): Promise<string> => {
    const from = client.lines.length;
    client.send(JSON.stringify({ user: PRIVATE_ACCOUNT, password }));
    return client.line(/^ok|^refused/, 120, from);
  };
  const passwords = fc
    .sample(
      fc.oneof(
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 32 }),
        fc.string({
          unit: fc.constantFrom(...Array.from(`,"' \\\t;#$\`%=@:/äß€字😀`)),
          minLength: 1,
          maxLength: 40,
        }),
      ),
      { seed: 17, numRuns: 400 },
    )
    .filter((password) => isAllowed(password))
    .slice(0, 300);
  const fixed = [
    '字'.repeat(42),
    'x'.repeat(127),
    '😀'.repeat(32),
    ' ',
    ',,,',
    'DOMAIN\\user',
    '%U',
    '#',
    ';',
  ];
  for (const password of [...passwords, ...fixed]) {
    await host.credentials.write(PRIVATE_ACCOUNT, password);
    await serve(server, [share]);
    expect([password, await answer(password)]).toEqual([password, 'ok']);
  }
  expect(passwords).toHaveLength(300);
  // STATUS_LOGON_FAILURE
  expect(await answer('another')).toBe('refused 0xc000006d');
}, 300_000);

test('no program, log or file that others may read gets a password', async () => {
  await using host = await SambaHost.create();
  const server = host.server();
  const share = shareOf('C', await host.shareFolder('c', 1));
  const own = shareOf('D', await host.shareFolder('d', 1), { account: { kind: 'user', user: 'daemon' } });
  const PLANTED = 'Planted-Secret-4711';
  await host.credentials.write('daemon', PLANTED);
  const watch = watchProcesses();
  await serve(server, [share, own]);
  await server.problemOf(PLACE, own, new AbortController().signal);
  await host.client(server, own, 'ls');
  const seen = await watch.stop();
  const secrets = [PLANTED, (await host.credentials.read(PRIVATE_ACCOUNT))!];
  const logs = await Promise.all(
    ['samba.log'].map((name) => readFile(join(host.folder, 'log', name), 'utf8')),
  );
  const files = await Promise.all(
    ['smb.conf', 'private/smbpasswd', 'usermap'].map((name) =>
      readFile(join(host.runDir, 'samba', name), 'utf8'),
    ),
  );
  expect(seen.length).toBeGreaterThan(10);
  for (const secret of secrets) {
    for (const text of [...seen, ...logs, ...files, JSON.stringify(host.log.lines)]) {
      expect(text.includes(secret)).toBe(false);
    }
  }
});

function isAllowed(password: string): boolean {
  try {
    checkPassword(password);
    return true;
  } catch {
    return false;
  }
}

/** Arguments and environments of all processes, again and again. */
function watchProcesses(): { stop(): Promise<readonly string[]> } {
  const seen = new Set<string>();
  let isOver = false;
  const look = async (): Promise<void> => {
    while (!isOver) {
      for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
        for (const file of ['cmdline', 'environ']) {
          seen.add(await readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => ''));
        }
      }
    }
  };
  const looking = look();
  return {
    stop: async () => {
      isOver = true;
      await looking;
      return [...seen];
    },
  };
}
