import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { prepareFirmware } from '../../../../src/vm/qemu/firmware.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), `mvt${process.pid}-`));
  await writeFile(join(folder, 'CODE.fd'), 'code');
  await writeFile(join(folder, 'VARS.fd'), 'template');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const places = () => [
  { codePath: join(folder, 'absent.fd'), variablesTemplatePath: join(folder, 'absent-vars.fd') },
  { codePath: join(folder, 'CODE.fd'), variablesTemplatePath: join(folder, 'VARS.fd') },
];

describe('firmware', () => {
  test('of a BIOS machine needs no file', async () => {
    expect(await prepareFirmware('bios', join(folder, 'own.fd'), places())).toEqual({ kind: 'bios' });
    expect(await readdir(folder)).toHaveLength(2);
  });

  test('of a UEFI machine is the first installed one, with its own variables', async () => {
    const own = join(folder, 'own.fd');
    expect(await prepareFirmware('uefi', own, places())).toEqual({
      kind: 'uefi',
      codePath: join(folder, 'CODE.fd'),
      variablesPath: own,
    });
    expect(await readFile(own, 'utf8')).toBe('template');
  });

  test('keeps existing variables unless they belong to another build', async () => {
    const own = join(folder, 'own.fd');
    await writeFile(own, 'modified');
    await prepareFirmware('uefi', own, places());
    expect(await readFile(own, 'utf8')).toBe('modified');
    await writeFile(own, 'of another size');
    await prepareFirmware('uefi', own, places());
    expect(await readFile(own, 'utf8')).toBe('template');
  });

  test('that is not installed is reported with its package', async () => {
    await expect(prepareFirmware('uefi', join(folder, 'own.fd'), [places()[0]!])).rejects.toMatchObject({
      code: 'MOBYVM_PROGRAM_MISSING',
      remedy: expect.stringContaining('apt-get install ovmf') as string,
    });
  });
});
