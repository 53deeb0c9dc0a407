import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stateFilesFindings } from '../../../src/daemon/doctor/state-files-findings.js';
import { loadIdentity } from '../../../src/daemon/identity.js';
import { setAsideMessages, STATE_FILES } from '../../../src/daemon/state-files.js';
import { linuxPaths } from '../../../src/protocol/paths.js';
import { setAsideUnreadable } from '../../../src/vm/index.js';

const ROOT = resolve(import.meta.dirname, '../../..');
const IDENTITY = { machineId: '6f1a1c52-5d2c-4d9d-9d3a-0b8a3f3b6c01', mac: '02:15:5d:00:00:01' };
const DEFINITION = {
  format: 1,
  spec: {
    machineId: IDENTITY.machineId,
    name: 'MobyLinuxVM',
    cpus: 2,
    memoryMiB: 1024,
    firmware: 'bios',
    isoPath: '/image/mobyvm.iso',
    dataDisk: { path: '/vm/data.qcow2', sizeGiB: 1 },
    network: { attachment: 'mobyvm0-t0', mac: IDENTITY.mac },
    awaitsConfiguration: true,
  },
};

let stateDir = '';
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'mobyvm-state-files-'));
  await mkdir(join(stateDir, 'vm'));
});
afterEach(() => rm(stateDir, { recursive: true, force: true }));

const paths = () => linuxPaths({ MOBYVM_STATE_DIR: stateDir });
const put = (name: string, content: unknown): Promise<void> =>
  writeFile(join(stateDir, name), typeof content === 'string' ? content : JSON.stringify(content));
const read = (name: string): Promise<string> => readFile(join(stateDir, name), 'utf8');
const keptOf = async (folder: string): Promise<string[]> =>
  (await readdir(join(stateDir, folder))).filter((name) => name.includes('.unreadable-'));

describe('the list of state files', () => {
  test('has every file of the state folder', async () => {
    const all = linuxPaths({ MOBYVM_STATE_DIR: '/state' });
    const own = Object.values(all)
      .filter((path): path is string => typeof path === 'string' && path.startsWith('/state/'))
      .map((path) => relative('/state', path))
      // Folders: the VM's, whose files follow, and that of images, which have their manifest.
      .filter((path) => path !== 'vm' && path !== 'image')
      .map((path) => ({ tls: 'tls/', 'last-image': 'last-image/last-image.json' })[path] ?? path);
    const entries = await readdir(join(ROOT, 'src/vm'), { recursive: true, withFileTypes: true });
    const sources = entries.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
    const texts = await Promise.all(sources.map((path) => readFile(path, 'utf8')));
    const ofVm = texts.flatMap((text) =>
      [...text.matchAll(/join\(stateDirectory, '([\w.-]+\.\w+)'\)/g)].map((match) => `vm/${match[1]}`),
    );
    expect(ofVm.length).toBeGreaterThan(3);
    const listed = STATE_FILES.map(({ file }) => file);
    expect([...new Set([...own, ...ofVm])].filter((file) => !listed.includes(file))).toEqual([]);
  });

  test('is that of docs/files.md', async () => {
    const rows = (await readFile(join(ROOT, 'docs/files.md'), 'utf8'))
      .split('\n')
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .map(([, file = '', ifUnreadable = '']) => `${file} ${ifUnreadable}`);
    for (const { file, ifUnreadable } of STATE_FILES) expect(rows).toContain(`\`${file}\` ${ifUnreadable}`);
  });
});

describe('the identity of the machine', () => {
  test('is taken from the definition of the VM when its own file is cut off', async () => {
    await put('machine.json', '{"version": 1, "machineId": "6f1a');
    await put('vm/definition.json', DEFINITION);
    const rebuilt = await loadIdentity(paths().identityFile, paths().vmStateDir);
    expect(rebuilt).toEqual(IDENTITY);
    expect(await keptOf('')).toHaveLength(1);
    expect(await loadIdentity(paths().identityFile, paths().vmStateDir)).toEqual(rebuilt);
  });

  test('is refused, and its file left alone, when the definition cannot be read either', async () => {
    await put('machine.json', 'x');
    await put('vm/definition.json', 'x');
    await expect(loadIdentity(paths().identityFile, paths().vmStateDir)).rejects.toMatchObject({
      code: 'MOBYVM_STATE_FILE',
      remedy: expect.stringContaining('recognize its own VM') as string,
    });
    expect(await read('machine.json')).toBe('x');
  });

  test('is made with the state folder, and kept', async () => {
    const first = await loadIdentity(paths().identityFile, paths().vmStateDir);
    expect(await loadIdentity(paths().identityFile, paths().vmStateDir)).toEqual(first);
  });
});

describe('the definition of the VM', () => {
  test('is set aside, so that `up` makes it again', async () => {
    await put('vm/definition.json', '{');
    await setAsideUnreadable(paths().vmStateDir);
    expect(await keptOf('vm')).toHaveLength(1);
    expect(await readdir(join(stateDir, 'vm'))).toEqual(await keptOf('vm'));
  });

  test('of a VM that Hyper-V has started is taken from what it was started with', async () => {
    await put('vm/definition.json', '{');
    await put('vm/started.json', DEFINITION);
    await setAsideUnreadable(paths().vmStateDir);
    expect(JSON.parse(await read('vm/definition.json'))).toMatchObject({ spec: { cpus: 2 } });
  });

  test('is refused if nobody knows what the VM was started with', async () => {
    await put('vm/definition.json', '{');
    await put('vm/started.json', '{');
    await expect(setAsideUnreadable(paths().vmStateDir)).rejects.toMatchObject({ code: 'MOBYVM_STATE_FILE' });
    expect(await keptOf('vm')).toEqual([]);
  });

  test('that can be read stays', async () => {
    await put('vm/definition.json', DEFINITION);
    await put('vm/started.json', '{');
    await setAsideUnreadable(paths().vmStateDir);
    expect(JSON.parse(await read('vm/definition.json'))).toEqual(DEFINITION);
    expect(await keptOf('vm')).toHaveLength(1);
  });
});

describe('a file that was set aside', () => {
  test('is named once by `up`, with what is lost, and by doctor until it is deleted', async () => {
    const messages = setAsideMessages(stateDir);
    expect(await messages()).toEqual([]);
    expect(await stateFilesFindings(paths())).toEqual([]);
    await put('vm/definition.json', '{');
    await setAsideUnreadable(paths().vmStateDir);
    const [name = ''] = await keptOf('vm');
    expect(await messages()).toEqual([
      `${stateDir}/vm/definition.json could not be read and was set aside as ${stateDir}/vm/${name}. ` +
        'The definition was made again from the settings, so nothing is lost. Delete it when you no longer need it.',
    ]);
    expect(await messages()).toEqual([]);
    const [finding, ...more] = await stateFilesFindings(paths());
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ id: 'state-files', verdict: 'notice' });
    expect(finding?.remedy).toContain(`Delete ${stateDir}/vm/${name}`);
  });
});

test('doctor names a state file that a start refuses', async () => {
  await put('ledger.json', '{"version": 2}');
  await put('machine.json', '');
  expect(await stateFilesFindings(paths())).toMatchObject([
    { verdict: 'problem', detail: expect.stringContaining('machine.json') as string },
    { verdict: 'problem', detail: expect.stringContaining('ledger.json') as string },
  ]);
});
