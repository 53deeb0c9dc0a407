import { win32 } from 'node:path';
import { describe, expect, test } from 'vitest';
import { noSeal, type FileProtection, type FolderUse } from '../../../src/core/host/index.js';
import { ERROR } from '../../../src/windows/error-codes.js';
import { accessLists } from '../../../src/windows/files/access-lists.js';
import type { OpenItem, ProtectedItems } from '../../../src/windows/files/protected-items.js';
import { folderSecurity, securityFrom } from '../../../src/windows/security.plan.js';
import { WindowsCallError } from '../../../src/windows/windows-call-error.js';

interface Item {
  kind: OpenItem['kind'];
  owner: string;
  list: string;
}

const ADMINISTRATORS = 'S-1-5-32-544';
const SYSTEM = 'S-1-5-18';
const OWN = 'S-1-5-21-1-2-3-1001';
const MALLORY = 'S-1-5-21-1-2-3-1002';
/** As a folder in ProgramData has it from there: users may create files in it. */
const FROM_PROGRAM_DATA =
  'D:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIIOID;GA;;;CO)(A;OICIID;0x1200a9;;;BU)(A;CIID;DCLCRPCR;;;BU)';
const PRIVATE = folderSecurity('none');
const FOR_USERS = folderSecurity('users');

/** A disk of Windows. */
class FakeItems implements ProtectedItems {
  readonly ownSid = OWN;
  readonly items = new Map<string, Item>();
  readonly changed: string[] = [];
  keepsLists = true;
  refusal: number | undefined;

  constructor() {
    this.put('C:\\ProgramData', { owner: SYSTEM, list: FROM_PROGRAM_DATA });
  }

  put(path: string, item: Partial<Item> = {}): void {
    this.items.set(path, { kind: 'folder', owner: ADMINISTRATORS, list: FROM_PROGRAM_DATA, ...item });
  }

  createFolder(path: string, sddl: string): boolean {
    if (this.refusal !== undefined) throw new WindowsCallError('CreateDirectoryW', this.refusal);
    if (this.items.has(path)) return false;
    this.put(path, { list: this.keepsLists ? sddl : 'D:NO_ACCESS_CONTROL' });
    return true;
  }

  open(path: string, access: 'look' | 'change'): OpenItem | undefined {
    const item = this.items.get(path);
    if (item === undefined) return undefined;
    return {
      kind: item.kind,
      security: () => securityFrom(`O:${item.owner}${item.list}`),
      protect: (sddl) => {
        if (access === 'look') throw new TypeError('opened to look');
        this.changed.push(path);
        if (!this.keepsLists) return;
        if (sddl.startsWith('O:BA')) item.owner = ADMINISTRATORS;
        item.list = sddl.slice(sddl.indexOf('D:'));
      },
      [Symbol.dispose]: () => undefined,
    };
  }

  list(path: string): readonly string[] {
    const names = [...this.items.keys()].filter((key) => win32.dirname(key) === path && key !== path);
    return names.map((key) => win32.basename(key));
  }

  listOf(path: string): string | undefined {
    return this.items.get(path)?.list;
  }
}

function makeHost(): { readonly items: FakeItems; readonly protection: FileProtection } {
  const items = new FakeItems();
  return { items, protection: accessLists(() => Promise.resolve(items), noSeal) };
}

const STATE = 'C:\\ProgramData\\mobyvm\\state';
const USES: readonly FolderUse[] = ['private', 'state', 'run', 'log'];

describe('access lists', () => {
  test('are set as folders are created, for the folder above as well, which users may enter', async () => {
    const { items, protection } = makeHost();
    await protection.folder(STATE, 'state');
    await protection.folder('C:\\ProgramData\\mobyvm\\run', 'run');
    await protection.folder('C:\\ProgramData\\mobyvm\\logs', 'log');
    await protection.folder(`${STATE}\\tls`, 'private');
    expect(items.listOf('C:\\ProgramData\\mobyvm')).toBe(FOR_USERS);
    expect(items.listOf('C:\\ProgramData\\mobyvm\\run')).toBe(FOR_USERS);
    expect(items.listOf('C:\\ProgramData\\mobyvm\\logs')).toBe(PRIVATE);
    expect([items.listOf(STATE), items.listOf(`${STATE}\\tls`)]).toEqual([PRIVATE, PRIVATE]);
    expect(items.changed).toEqual([]);
  });

  test.each(USES)('refuse a %s folder that an ordinary user has planted', async (use) => {
    const { items, protection } = makeHost();
    items.put('C:\\ProgramData\\mobyvm', { list: FOR_USERS });
    items.put(STATE, { owner: MALLORY, list: PRIVATE });
    await expect(protection.folder(STATE, use)).rejects.toMatchObject({
      code: 'MOBYVM_FOREIGN_OBJECT',
      message: expect.stringContaining(MALLORY) as string,
      remedy: expect.stringContaining('takeown') as string,
    });
    expect(items.changed).toEqual([]);
  });

  test('refuse a folder below one that an ordinary user has planted, and create nothing in it', async () => {
    const { items, protection } = makeHost();
    items.put('C:\\ProgramData\\mobyvm', { owner: MALLORY });
    await expect(protection.folder(STATE, 'state')).rejects.toMatchObject({ code: 'MOBYVM_FOREIGN_OBJECT' });
    expect(items.listOf(STATE)).toBeUndefined();
  });

  test.each([
    ['an ordinary user', MALLORY],
    ['an administrator', ADMINISTRATORS],
  ])('refuse a junction of %s in the place of a folder', async (_who, owner) => {
    const { items, protection } = makeHost();
    items.put('C:\\ProgramData\\mobyvm', { list: FOR_USERS });
    items.put(STATE, { kind: 'link', owner });
    for (const use of USES)
      await expect(protection.folder(STATE, use)).rejects.toMatchObject({
        code: 'MOBYVM_FOREIGN_OBJECT',
        message: expect.stringContaining('does not follow') as string,
      });
    expect(items.changed).toEqual([]);
  });

  test('follow only links of administrators above a folder, such as a mounted drive', async () => {
    const { items, protection } = makeHost();
    items.put('C:\\drive', { kind: 'link' });
    await protection.folder('C:\\drive\\state', 'state');
    items.put('C:\\planted', { kind: 'link', owner: MALLORY });
    await expect(protection.folder('C:\\planted\\state', 'state')).rejects.toMatchObject({
      code: 'MOBYVM_FOREIGN_OBJECT',
    });
  });

  test.each(['private', 'state'] as const)('restrict an open %s folder of an administrator', async (use) => {
    const { items, protection } = makeHost();
    items.put(STATE);
    items.put('C:\\ProgramData\\mobyvm');
    await protection.folder(STATE, use);
    expect(items.listOf(STATE)).toBe(PRIVATE);
  });

  test.each(['run', 'log'] as const)('leave a %s folder of an administrator as it is', async (use) => {
    const { items, protection } = makeHost();
    items.put('C:\\Logs');
    await protection.folder('C:\\Logs', use);
    expect(items.listOf('C:\\Logs')).toBe(FROM_PROGRAM_DATA);
  });

  test('refuse an open folder in which an ordinary user has planted a file', async () => {
    const { items, protection } = makeHost();
    items.put('C:\\ProgramData\\mobyvm');
    items.put(STATE);
    items.put(`${STATE}\\image`);
    items.put(`${STATE}\\image\\boot.iso`, { kind: 'file', owner: MALLORY });
    await expect(protection.folder(STATE, 'state')).rejects.toMatchObject({
      code: 'MOBYVM_FOREIGN_OBJECT',
      message: expect.stringContaining('boot.iso') as string,
    });
    expect(items.changed).toEqual([]);
  });

  test("keep what Hyper-V has added to a machine's folder", async () => {
    const { items, protection } = makeHost();
    const machine = '(A;OICI;0x1301bf;;;S-1-5-83-0)';
    items.put('C:\\vm', { list: `${PRIVATE}${machine}` });
    await protection.folder('C:\\vm', 'private');
    expect(items.changed).toEqual([]);
    items.put('C:\\vm', { list: `${FROM_PROGRAM_DATA}${machine}` });
    await protection.folder('C:\\vm', 'private');
    expect(items.listOf('C:\\vm')).toBe(`${PRIVATE}${machine}`);
  });

  test('are read back: a file system that does not keep them is refused', async () => {
    const { items, protection } = makeHost();
    items.keepsLists = false;
    await expect(protection.folder('E:\\state', 'state')).rejects.toMatchObject({
      code: 'MOBYVM_STATE_FILE',
      remedy: expect.stringContaining('NTFS') as string,
    });
    items.put('E:\\old', { list: 'D:NO_ACCESS_CONTROL' });
    await expect(protection.folder('E:\\old', 'private')).rejects.toMatchObject({
      code: 'MOBYVM_STATE_FILE',
    });
  });

  test('of a file that was restored from a copy admit its owner no more', async () => {
    const { items, protection } = makeHost();
    items.put('C:\\key', { kind: 'file', owner: MALLORY, list: `D:(A;;FA;;;${MALLORY})` });
    await protection.file('C:\\key');
    expect(items.items.get('C:\\key')).toMatchObject({
      owner: ADMINISTRATORS,
      list: 'D:P(A;;FA;;;SY)(A;;FA;;;BA)',
    });
    items.put('C:\\link', { kind: 'link' });
    await expect(protection.file('C:\\link')).rejects.toMatchObject({ code: 'MOBYVM_FOREIGN_OBJECT' });
    await expect(protection.file('C:\\missing')).rejects.toMatchObject({ code: 'MOBYVM_STATE_FILE' });
  });

  test.each([
    [ERROR.accessDenied, 'MOBYVM_NOT_ROOT'],
    [ERROR.diskFull, 'MOBYVM_DISK_FULL'],
    [1117, 'MOBYVM_STATE_FILE'],
  ])('explain error %i', async (refusal, code) => {
    const { items, protection } = makeHost();
    items.refusal = refusal;
    await expect(protection.folder(STATE, 'state')).rejects.toMatchObject({ code });
  });

  test('name a file in the place of a folder, and of one above it', async () => {
    const { items, protection } = makeHost();
    items.put('C:\\flat', { kind: 'file' });
    for (const path of ['C:\\flat', 'C:\\flat\\state'])
      await expect(protection.folder(path, 'private')).rejects.toMatchObject({ code: 'MOBYVM_STATE_FILE' });
  });
});
