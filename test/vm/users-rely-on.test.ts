import { copyFile, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, waitFor, type RunResult } from '../../src/core/host/index.js';
import { ControlClient } from '../../src/cli/control-client.js';
import { fileItemStore } from '../../src/daemon/guest/index.js';
import { isReservedName, MAX_HOST_ITEMS } from '../../src/kvp/index.js';
import { LINUX_RIGHTS } from '../support/cli-context.js';
import { inGuest } from '../support/guest-shell.js';
import { IMAGE_DIR, Instance, makeBusyboxImage } from '../support/instance.js';
import { makeProgramImage } from '../support/vm/echo-image.js';

/** What users of containers rely on, on one machine whose folders have awkward characters in their names. */
const IMAGE = 'mobyvm-busybox';
const LIMITS = 'mobyvm-engine-limits';
const FOLDER = 'a b,c \'d\' "e" ü $x';
let instance: Instance;
let upOutput = '';

beforeAll(async () => {
  instance = await Instance.create({}, FOLDER);
  const images = join(instance.directory, 'im,age');
  await mkdir(images, { recursive: true });
  for (const name of ['mobyvm.iso', 'manifest.json'])
    await copyFile(join(IMAGE_DIR, name), join(images, name));
  await instance.configure({ image: { directory: images }, vm: { swapMiB: 256, diskGiB: 1 } });
  upOutput = (await instance.up()).stdout;
  await makeBusyboxImage(instance, IMAGE);
  await makeProgramImage(instance, 'engine-limits', LIMITS);
});
afterAll(async () => {
  await instance[Symbol.asyncDispose]();
  await rm(dirname(instance.directory), { recursive: true, force: true });
});

const kvp = (...args: readonly string[]): Promise<RunResult> => instance.mobyvm(['kvp', ...args]);

/** Without mobyvm's own requests, which are there while the guest answers them. */
async function hostItems(): Promise<string[]> {
  const listing = JSON.parse((await kvp('list', '--json')).stdout) as { items: { name: string }[] };
  return listing.items.map(({ name }) => name).filter((name) => !isReservedName(name));
}

/** The names in the guest's pool 0, as hv_kvp_daemon keeps them. */
async function itemsInGuest(): Promise<number> {
  const size = await inGuest(instance, IMAGE, 'stat -c %s /run/mobyvm/pools/.kvp_pool_0\n');
  return Number(size) / 2_560;
}

describe('an instance in folders with spaces, commas, quotes, umlauts and dollar signs', () => {
  test('runs, and the printed line is one for the shell', async () => {
    const line = upOutput.slice(upOutput.indexOf('export DOCKER_HOST'));
    const script = `${line}\nprintf %s "$DOCKER_HOST"`;
    expect((await run('sh', ['-c', script])).stdout).toBe(`unix://${instance.socket}`);
    expect(await instance.docker(['run', '--rm', IMAGE, 'echo', 'hello'])).toBe('hello\n');
  });
});

describe('the limits of containers', () => {
  const MINIMA: [file: string, minimum: number, reported: string][] = [
    ['vm/max_map_count', 262_144, 'docker/for-mac#7047'],
    ['fs/inotify/max_user_watches', 524_288, 'docker/for-mac#7047'],
    ['fs/inotify/max_user_instances', 512, 'docker/for-mac#7047'],
  ];
  let limits: number[] = [];

  beforeAll(async () => {
    const files = MINIMA.map(([file]) => `/proc/sys/${file}`).join(' ');
    const script = `cat ${files}; ulimit -Hn; ulimit -Sn`;
    const lines = await instance.docker(['run', '--rm', IMAGE, 'sh', '-c', script]);
    limits = lines.trim().split('\n').map(Number);
  });

  test.each(MINIMA.map((row, index) => [...row, index] as const))(
    '%s is at least %i (%s)',
    (_, minimum, __, index) => {
      expect(limits[index]).toBeGreaterThanOrEqual(minimum);
    },
  );

  test('a container may open 1,048,576 files (rancher-desktop#713)', () => {
    expect(limits.slice(MINIMA.length)).toEqual([1_048_576, 1_024]);
  });
});

/** What it prints, or why it failed. */
async function engineLimits(command: string, ...options: readonly string[]): Promise<string> {
  const limits = ['run', '--rm', '--tmpfs', '/tmp', ...options, LIMITS, ...command.split(' ')];
  return (await instance.docker(limits, { acceptExitCodes: [0, 1], timeoutMs: 600_000 })).trim();
}

describe('a container can run', () => {
  test.each([
    ['a program with 262,144 maps', 'maps 262144'],
    ['a program with 60,000 open files', 'files 60000'],
    ['programs with 400,000 inotify watches', 'watches 400000'],
    ['Elasticsearch, by its bootstrap checks', 'elasticsearch'],
    ['PostgreSQL, by what it takes at its start', 'postgresql'],
  ])('%s', async (_, command) => {
    expect(await engineLimits(command)).toBe('ok');
  });
});

describe('the limits that containers share', () => {
  test('follow the memory for tracked connections, and are high for processes and files', async () => {
    const names = ['net/netfilter/nf_conntrack_max', 'kernel/pid_max', 'vm/overcommit_memory', 'fs/file-max'];
    const files = names.map((name) => `/proc/sys/${name}`).join(' ');
    const [connections, ...others] = (await inGuest(instance, IMAGE, `cat ${files}\n`)).trim().split('\n');
    expect(Number(connections)).toBeGreaterThan(100_000);
    expect(others).toEqual(['4194304', '1', '9223372036854775807']);
  });

  test('let a user have any number of processes, and a crash leave a file of any size if that is wanted', async () => {
    const script = 'ulimit -u; ulimit -Sc; ulimit -Hc; cat /proc/sys/kernel/core_pattern';
    const limits = await instance.docker(['run', '--rm', '--user', '1000', IMAGE, 'sh', '-c', script]);
    expect(limits).toBe('unlimited\n0\nunlimited\ncore\n');
  });
});

describe('the engine', () => {
  test('has no warnings, cgroup v2 and overlay2', async () => {
    const format = '{{json .Warnings}} {{.CgroupVersion}} {{.Driver}}';
    expect(await instance.docker(['info', '--format', format])).toBe('null 2 overlay2\n');
  });

  test('runs programs of another processor once a container has registered an interpreter', async () => {
    // The ELF head of a program for ARM64, up to the processor: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
    const head = '\\x7fELF\\x02\\x01\\x01' + '\\x00'.repeat(9) + '\\x02\\x00\\xb7\\x00';
    const mask = '\\xff'.repeat(7) + '\\x00' + '\\xff'.repeat(8) + '\\xfe\\xff\\xff\\xff';
    const folder = '/proc/sys/fs/binfmt_misc';
    const rule = `:mobyvm-arm64:M::${head}:${mask}:/engine-limits:F`;
    const mount = `mount -t binfmt_misc binfmt_misc ${folder}`;
    await instance.docker(['create', '--name', 'interpreter', LIMITS, 'none']);
    const archive = join(instance.directory, 'interpreter');
    await instance.docker(['cp', 'interpreter:/engine-limits', archive]);
    await instance.docker(
      ['create', '--name', 'register', '--privileged', IMAGE, 'sh', '-c'].concat([
        `busybox ${mount} && printf '%s' '${rule}' >${folder}/register`,
      ]),
    );
    await instance.docker(['cp', archive, 'register:/engine-limits']);
    await instance.docker(['start', '--attach', 'register']);
    await instance.docker(['rm', 'interpreter', 'register']);
    const foreign = `printf '${head}' >/tmp/foreign; busybox chmod +x /tmp/foreign; /tmp/foreign`;
    expect(await instance.docker(['run', '--rm', IMAGE, 'sh', '-c', foreign])).toBe(
      'interpreted: /tmp/foreign\n',
    );
    expect(await inGuest(instance, IMAGE, `ls ${folder}\n`)).toContain('mobyvm-arm64');
  });

  test('has the swap space of the settings, compressed in the memory', async () => {
    expect(await inGuest(instance, IMAGE, 'cat /proc/swaps\n')).toMatch(
      /^\/dev\/zram0\s+partition\s+262140\s/m,
    );
  });

  test('refuses a container that asks for a GPU, and says why', async () => {
    const gpus = ['create', '--gpus', 'all', IMAGE, 'true'];
    await expect(instance.docker(gpus)).rejects.toThrow(/cannot use a GPU, because the VM has none/);
  });
});

describe('`mobyvm status`', () => {
  const untilStatus = (text: RegExp): Promise<void> => {
    const check = async (): Promise<boolean> => text.test((await instance.mobyvm(['status'])).stdout);
    const requirement = { title: String(text), timeoutSeconds: 300, hint: 'See the test.', check };
    return waitFor(requirement, new AbortController().signal);
  };

  test('says when the data disk is nearly full, and no longer when it is not', async () => {
    await untilStatus(/^disk +0\.\d of [01]\.\d GiB used$/m);
    await inGuest(instance, IMAGE, 'fallocate -l 850M /mnt/data/large\n');
    await untilStatus(/^The VM's data disk is \d+ % full: 0\.\d of [01]\.\d GiB are free\.$/m);
    await inGuest(instance, IMAGE, 'rm /mnt/data/large\n');
    await untilStatus(/^disk +0\.\d of (?![^]*data disk is \d+ % full)/m);
  });

  test('says where a container with the network of the VM listens', async () => {
    const serve = ['busybox', 'httpd', '-f', '-p', '8088'];
    await instance.docker(['run', '-d', '--name', 'netted', '--network', 'host', IMAGE, ...serve]);
    await untilStatus(/^ +netted: their ports are at the VM's address, 10\.0\.75\.2 \(--network host\)$/m);
    const ask = [
      'netns',
      'exec',
      instance.namespace,
      '/bin/busybox',
      'wget',
      '-O',
      '-',
      'http://10.0.75.2:8088/',
    ];
    expect((await run('ip', ask, { acceptExitCodes: [1] })).stderr).toContain('404');
    await instance.docker(['rm', '-f', 'netted']);
  });
});

describe('a share that is added to a VM that started without any', () => {
  test('says at once that smb.conf cannot carry the name of the folder', async () => {
    const added = await instance.mobyvm(['share', 'add', 'C', '--path', instance.directory]);
    expect(added).toMatchObject({ exitCode: 1, stdout: '' });
    expect(added.stderr).toMatch(
      /is shared, but does not work yet: .* has a character that smb\.conf cannot carry\.$/m,
    );
    expect(added.stderr).toContain('→ Use a folder with a plain, shorter name (MOBYVM_RUN_DIR).');
    expect(await instance.mobyvm(['share', 'remove', 'C'])).toMatchObject({ exitCode: 0, stderr: '' });
  });
});

describe('items of the host', () => {
  test('are listed without the guest, and one more than the limit is refused (microsoft/lisa#279)', async () => {
    const client = new ControlClient(join(instance.directory, 'run/control.sock'), LINUX_RIGHTS);
    const { signal } = new AbortController();
    for (let at = 0; at < MAX_HOST_ITEMS; at += 1)
      await client.setKvp({ name: `item ${at}`, value: 'v'.repeat(1_000), secret: false }, signal);
    expect(await hostItems()).toHaveLength(MAX_HOST_ITEMS);
    const more = await kvp('set', 'one more', 'v');
    expect(more.exitCode).toBe(1);
    expect(more.stderr).toContain('MOBYVM_KVP_LIMIT');
  });

  test('are removed while the VM is dead, and stay removed (WALinuxAgent#3276)', async () => {
    process.kill(await instance.qemuPid(), 'SIGKILL');
    await instance.untilState('failed', 60);
    expect(await kvp('remove', 'item 0')).toMatchObject({ exitCode: 0, stderr: '' });
    await instance.up();
    const names = await hostItems();
    expect(names).toHaveLength(MAX_HOST_ITEMS - 1);
    expect(names).not.toContain('item 0');
  });

  test('are all sent again in the background', async () => {
    const check = async (): Promise<boolean> => (await itemsInGuest()) === MAX_HOST_ITEMS - 1;
    await waitFor(
      { title: 'the items in the guest', timeoutSeconds: 300, hint: 'See the test.', check },
      new AbortController().signal,
    );
  });

  test('are listed and removed after `down`, when no daemon runs', async () => {
    expect((await instance.mobyvm(['down', '--stop'])).exitCode).toBe(0);
    expect((await kvp('remove', 'item 1')).exitCode).toBe(0);
    expect(await hostItems()).toHaveLength(MAX_HOST_ITEMS - 2);
    const stored = await fileItemStore(join(instance.directory, 'state/kvp-items.json')).load();
    expect(stored.items.map(({ name }) => name)).not.toContain('item 1');
  });
});
