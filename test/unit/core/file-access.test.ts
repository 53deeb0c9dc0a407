import { readdir, readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const SOURCES = resolve(import.meta.dirname, '../../../src');
/** A socket's mode lets its group in, and is set where the socket is made. */
const OWN_MODES = [
  'core/host/file-access.ts',
  'core/host/file-protection.ts',
  // Modes that the VM shows; no file of this host.
  'core/values/file-owner.ts',
  'daemon/linux/unix-listener-file.ts',
  'share/share.ts',
];

test('modes of files are decided in one place, so that a platform without modes has one place too', async () => {
  const entries = await readdir(SOURCES, { recursive: true, withFileTypes: true });
  const withModes: string[] = [];
  for (const { parentPath, name } of entries.filter((each) => each.isFile())) {
    const path = relative(SOURCES, join(parentPath, name));
    const text = await readFile(join(SOURCES, path), 'utf8');
    if (/\b0o[0-7]{3}\b|\b[lf]?ch(?:mod|own)(?:Sync)?\(/.test(text)) withModes.push(path);
  }
  expect(withModes.sort()).toEqual(OWN_MODES);
});
