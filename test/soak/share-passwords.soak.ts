import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Samba, SMB_USER } from '../support/vm/samba.js';
import { ShareGuest } from '../support/vm/share-guest.js';

const PASSWORDS = Number(process.env['MOBYVM_SOAK_PASSWORDS'] ?? 300);
const never = new AbortController().signal;
/** What a person may type: every printable character of ASCII, and some that take two to four bytes. */
const character = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCodePoint(code)) },
  { weight: 2, arbitrary: fc.constantFrom('ä', 'ß', 'é', '€', 'Ж', '語', '😀') },
);
const password = fc
  .array(character, { minLength: 1, maxLength: 40 })
  .map((characters) => characters.join(''))
  .filter((text) => Buffer.byteLength(text) <= 128);

it('a share is mounted with any password, and not with another', { timeout: 7_200_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), `mvshare-soak${process.pid}-`));
  await mkdir(join(folder, 'c'));
  await writeFile(join(folder, 'c/f'), 'hello\n');
  await using guest = await ShareGuest.create();
  await using samba = await Samba.create(join(folder, 'smb'), guest.vm.namespace, [
    { name: 'C', path: join(folder, 'c') },
  ]);
  await samba.setPassword('first');
  await samba.start();
  await guest.start();
  await guest.configure([]);
  const mount = (login: string) =>
    guest.mounts.mount(
      {
        id: 'C',
        unc: '//10.0.75.1/C',
        points: ['/C'],
        login: { user: SMB_USER, domain: '', password: login },
        options: ['noperm', 'vers=3.1.1'],
      },
      never,
    );
  try {
    let number = 0;
    for (const each of fc.sample(password, PASSWORDS)) {
      await samba.setPassword(each);
      expect(await mount(each), JSON.stringify(each)).toEqual({ ok: true });
      await guest.mounts.unmount('C', ['/C'], never);
      if (++number % 10 !== 0) continue;
      expect(await mount(`${each}x`), JSON.stringify(each)).toMatchObject({ ok: false, step: 'login' });
      process.stdout.write(`${number} passwords\n`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
