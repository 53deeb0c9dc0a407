import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readInput } from '../../../src/cli/read-input.js';
import { loadSettings } from '../../../src/daemon/settings/load.js';

const JSON_TEXT = '\uFEFF{"vm": {"cpus": 3},\r\n"network": {"domain": "lab.internal"}}\r\n';

let path = '';
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-settings-'));
  path = join(folder, 'sett,ings "ü" 100%.json');
});
afterEach(() => rm(folder, { recursive: true }));

describe('the settings file', () => {
  test.each(['utf8', 'utf16le'] as const)(
    'is read in %s, with CRLF and a byte order mark',
    async (encoding) => {
      await writeFile(path, Buffer.from(JSON_TEXT, encoding));
      expect(await loadSettings(path, 'linux')).toMatchObject({
        vm: { cpus: 3 },
        network: { domain: 'lab.internal' },
      });
    },
  );

  test('in Latin-1 is refused, and the encoding and the place are named (moby/moby#44790)', async () => {
    await writeFile(path, Buffer.from('{"image": {"directory": "/srv/Träume"}}', 'latin1'));
    await expect(loadSettings(path, 'linux')).rejects.toMatchObject({
      code: 'MOBYVM_SETTINGS',
      message: `${path} is not UTF-8 (byte 0xE4 in line 1, column 33); it looks like Windows-1252 or Latin-1.`,
      remedy: expect.stringContaining('iconv -f windows-1252 -t utf-8') as string,
    });
  });

  test('with a comma too many is refused, and the place is named', async () => {
    await writeFile(path, '{\r\n  "vm": {\r\n    "cpus": 3,\r\n  }\r\n}');
    await expect(loadSettings(path, 'linux')).rejects.toMatchObject({
      code: 'MOBYVM_SETTINGS',
      message: expect.stringContaining('(line 4 column 3)') as string,
    });
  });

  test('that never ends is not read into memory', async () => {
    await expect(loadSettings('/dev/zero', 'linux')).rejects.toMatchObject({ code: 'MOBYVM_SETTINGS' });
  });
});

describe('a value on standard input', () => {
  test.each([
    ['UTF-16 of a redirected file', Buffer.from('\uFEFFpäss\r\n', 'utf16le')],
    ['UTF-8 with a byte order mark', Buffer.from('\uFEFFpäss\n')],
  ])('is read as %s', async (_what, bytes) => {
    expect(await readInput(Readable.from([bytes]))).toBe('päss');
  });

  test('in Latin-1 is refused, and the encoding is named', async () => {
    await expect(readInput(Readable.from([Buffer.from('päss', 'latin1')]))).rejects.toMatchObject({
      code: 'MOBYVM_USAGE',
      message: expect.stringContaining('Standard input is not UTF-8 (byte 0xE4') as string,
      remedy: expect.stringContaining('base64') as string,
    });
  });
});
