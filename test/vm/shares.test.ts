import { createHash, randomBytes } from 'node:crypto';
import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, sleep, waitFor, type RunResult } from '../../src/core/host/index.js';
import { inGuest } from '../support/guest-shell.js';
import { compose } from '../support/compose.js';
import { Instance } from '../support/instance.js';
import { makeToolImage } from '../support/vm/tool-image.js';
import { startMachine } from '../support/vm/started-machine.js';

/**
 * Shares from end to end: a real Samba, the real VM, the real docker client. One machine; the tests depend on each
 * other, in this order.
 */
const IMAGE = 'mobyvm-tools';
const PASSWORD = 'pä55, "w$rd"\\;%';
let instance: Instance;
let host: string;
let site: string;
let passwordFile: string;

beforeAll(async () => {
  instance = await Instance.create({ log: { level: 'debug' } });
  host = await mkdtemp(join(tmpdir(), 'mobyvm-host-'));
  site = join(host, 'c/site');
  passwordFile = join(host, 'password');
  for (const folder of ['c/site', 'c/Users/me', 'src', 'user'])
    await mkdir(join(host, folder), { recursive: true });
  await writeFile(join(site, 'index.html'), 'hello from the host\n');
  await writeFile(join(host, 'src/main.c'), 'int main;\n');
  await writeFile(passwordFile, `${PASSWORD}\n`);
  await share('add', 'C', '--path', join(host, 'c'));
  await share('add', join(host, 'src'), '--read-only');
  await startMachine(instance);
  await makeToolImage(instance, IMAGE, { programs: ['/usr/bin/make', '/usr/bin/socat'], folders: [] });
});
afterAll(async () => {
  await instance[Symbol.asyncDispose]();
  await rm(host, { recursive: true, force: true });
});

async function share(...args: readonly string[]): Promise<RunResult> {
  const result = await instance.mobyvm(['share', ...args]);
  expect(result.stderr).toBe('');
  expect(result.exitCode).toBe(0);
  return result;
}

interface Listed {
  readonly id: string;
  readonly state: string;
  readonly reason?: string;
  readonly remedy?: string;
}

async function listed(id: string): Promise<Listed | undefined> {
  const { stdout } = await instance.mobyvm(['share', 'list', '--json']);
  return (JSON.parse(stdout) as { shares: Listed[] }).shares.find((each) => each.id === id);
}

async function untilTrue(title: string, check: () => Promise<boolean>): Promise<void> {
  const requirement = { title, timeoutSeconds: 240, hint: 'See the test.', check };
  await waitFor(requirement, new AbortController().signal);
}

async function untilState(id: string, state: string): Promise<void> {
  await untilTrue(`share ${id} to be ${state}`, async () => (await listed(id))?.state === state);
}

/** Runs a script in a container with the folder at /data. */
function inContainer(source: string, script: string, ...options: readonly string[]): Promise<string> {
  return instance.docker([
    'run',
    '--rm',
    '-v',
    `${source}:/data`,
    '-w',
    '/data',
    ...options,
    IMAGE,
    'sh',
    '-c',
    script,
  ]);
}

async function refusal(...args: readonly string[]): Promise<string> {
  const result = await run('docker', ['-H', `unix://${instance.socket}`, ...args], {
    acceptExitCodes: [0, 1, 125],
    timeoutMs: 60_000,
  });
  expect(result.exitCode).not.toBe(0);
  return result.stderr;
}

/** The processes of our smbd, its children included. */
async function smbds(): Promise<readonly number[]> {
  const { stdout } = await run('ps', ['-eo', 'pid=,args=', '-ww']);
  return stdout
    .split('\n')
    .filter((line) => line.includes('smbd') && line.includes(instance.directory))
    .map((line) => Number.parseInt(line, 10));
}

async function signalSmbd(name: NodeJS.Signals): Promise<void> {
  for (const pid of await smbds()) process.kill(pid, name);
}

describe('a bind of a shared drive', () => {
  test('has what the host has, and the host has what a container writes', async () => {
    const script = 'cat index.html; echo from the container >new.txt';
    expect(await inContainer('C:\\site', script)).toBe('hello from the host\n');
    expect(await readFile(join(site, 'new.txt'), 'utf8')).toBe('from the container\n');
    await writeFile(join(site, 'new.txt'), 'changed on the host, of another length\n');
    expect(await inContainer('c:/site', 'cat new.txt')).toBe('changed on the host, of another length\n');
  });

  test('is one folder, however its path is spelled', async () => {
    await inContainer('c:\\USERS\\me', 'echo 1 >one');
    expect(await inContainer('C:\\Users\\me', 'cat one; echo 2 >>one')).toBe('1\n');
    expect(await inContainer('c:\\users\\ME', 'cat ONE')).toBe('1\n2\n');
    expect(await readdir(join(host, 'c'))).toEqual(expect.arrayContaining(['Users', 'site']));
    expect(await readdir(join(host, 'c'))).toHaveLength(2);
  });

  test('cannot be written if it is read-only, by the bind or by the share', async () => {
    const script = 'touch x 2>&1 || echo refused';
    expect(await inContainer('C:\\site', script, '-v', 'C:\\site:/ro:ro')).not.toContain('refused');
    expect(
      await instance.docker([
        'run',
        '--rm',
        '-v',
        'C:\\site:/ro:ro',
        IMAGE,
        'sh',
        '-c',
        'touch /ro/y 2>&1 || echo refused',
      ]),
    ).toMatch(/Read-only.*\n?refused/);
    expect(await inContainer(join(host, 'src'), `cat main.c; ${script}`)).toMatch(/int main;\n.*refused/s);
    await rm(join(site, 'x'));
  });

  test('may be a single file', async () => {
    const output = await instance.docker([
      'run',
      '--rm',
      '-v',
      'C:\\site\\index.html:/f',
      IMAGE,
      'cat',
      '/f',
    ]);
    expect(output).toBe('hello from the host\n');
  });

  test('that is a single file is stale once the host has replaced it, until the container is started again', async () => {
    const conf = join(site, 'conf');
    await writeFile(conf, 'old\n');
    await instance.docker(
      ['run', '-d', '--name', 'conf'].concat('-v', 'C:\\site\\conf:/conf', IMAGE, 'sleep', '3600'),
    );
    const text = (): Promise<string> =>
      instance.docker(['exec', 'conf', 'sh', '-c', 'cat /conf 2>&1 || true']);
    // At once: the host is watched as soon as the container is seen.
    await writeFile(conf, 'written in place\n');
    await untilTrue('what is written in place', async () => (await text()) === 'written in place\n');
    await appendFile(conf, 'and longer\n');
    await untilTrue('what is appended', async () => (await text()) === 'written in place\nand longer\n');
    await writeFile(conf, 'short\n');
    await untilTrue('what is shorter', async () => (await text()) === 'short\n');
    const reader = 'echo $$ >/reader; exec busybox tail -f /conf >/followed';
    await instance.docker(['exec', '-d', 'conf', 'sh', '-c', reader]);
    const followed = (): Promise<string> => instance.docker(['exec', 'conf', 'cat', '/followed']);
    await untilTrue('the reader that holds it open', async () => (await followed()) === 'short\n');
    await appendFile(conf, 'and a line\n');
    await untilTrue('a line for it', async () => (await followed()) === 'short\nand a line\n');
    await instance.docker(['exec', 'conf', 'sh', '-c', 'kill "$(cat /reader)"']);
    await writeFile(join(site, '.conf.new'), 'replaced\n');
    await rename(join(site, '.conf.new'), conf);
    await untilTrue('the replaced file', async () => (await text()).includes('Stale file handle'));
    await instance.docker(['restart', '-t', '0', 'conf']);
    expect(await text()).toBe('replaced\n');
    await instance.docker(['rm', '-f', 'conf']);
    await rm(conf);
  });
});

/** One container for all of it: under emulation, a new one takes as long as ten commands in it. */
describe('a folder of a shared drive, in a container', () => {
  beforeAll(async () => {
    const bind = ['-v', 'C:\\site:/data', '-w', '/data'];
    await instance.docker(['run', '-d', '--name', 'site', ...bind, IMAGE, 'sleep', '1000000']);
  });
  afterAll(() => instance.docker(['rm', '-f', 'site']));

  const onSite = (script: string): Promise<string> => instance.docker(['exec', 'site', 'sh', '-c', script]);

  test('has symbolic links, made in the container', async () => {
    const script =
      'ln -s index.html link; ln -s nowhere dangling; readlink link; readlink dangling; cat link; rm link dangling; ls';
    expect(await onSite(script)).toMatch(/^index.html\nnowhere\nhello from the host\n(?!.*link)/);
  });

  test('follows links of the host that stay inside the share', async () => {
    await symlink('index.html', join(site, 'host-link'));
    expect(await onSite('cat host-link')).toBe('hello from the host\n');
    await rm(join(site, 'host-link'));
  });

  test('keeps names with spaces, Unicode and characters that Windows reserves', async () => {
    const names = ['a b  c', 'Übung 日本 🐳', 'q?u*e"s<t>|', 'colon:colon', 'dot.', "it's $x"];
    const each = 'for name; do echo "$name" >"n/$name" && cat "n/$name" || exit 1; done';
    const output = await instance.docker(['exec', 'site', 'sh', '-c', `mkdir n; ${each}`, 'sh', ...names]);
    expect(output.trimEnd().split('\n')).toEqual(names);
    // A dot at the end of a name is another character on the host.
    const onHost = names.map((name) => name.replace(/\.$/, '\uf029'));
    expect((await readdir(join(site, 'n'))).sort()).toEqual(onHost.sort());
  });

  test('has what the host names with spaces, Unicode, reserved characters, or another case only', async () => {
    const names = ['a b  c', 'Übung 日本 🐳', 'q?u*e"s<t>|', 'colon:colon', "it's $x"].concat(
      // The drive ignores case, but a name that is there as it is written comes first.
      ['Readme', 'README', 'readme'],
    );
    await mkdir(join(site, 'host-named'));
    for (const name of names) await writeFile(join(site, 'host-named', name), `${name}\n`);
    const each = 'for name; do cat "host-named/$name" || exit 1; done';
    const output = await instance.docker(['exec', 'site', 'sh', '-c', each, 'sh', ...names]);
    expect(output.trimEnd().split('\n')).toEqual(names);
    expect(
      (await onSite('for f in host-named/*; do echo "${f#*/}"; done')).trimEnd().split('\n').sort(),
    ).toEqual(names.sort());
    await rm(join(site, 'host-named'), { recursive: true });
    await writeFile(join(site, 'back\\slash'), 'x');
    expect(await onSite("cat 'back\\slash' 2>&1 || true")).toContain('Invalid argument');
    await rm(join(site, 'back\\slash'));
  });

  test('has one file where names differ in case only', async () => {
    expect(await onSite('echo 1 >Case; echo 2 >cASE; cat Case; ls | grep -ic case')).toBe('2\n1\n');
    await onSite('mv Case x-case && mv x-case CASE');
    expect(await readdir(site)).toContain('CASE');
  });

  test('holds many files', async () => {
    const script =
      'mkdir many && cd many && i=0; while [ $i -lt 500 ]; do echo $i >f$i; i=$((i+1)); done; ls | wc -l; cat f499';
    expect(await onSite(script)).toBe('500\n499\n');
    expect(await readdir(join(site, 'many'))).toHaveLength(500);
    expect(await onSite('rm -r many; ls -d many 2>/dev/null | wc -l')).toBe('0\n');
  });

  test('carries large files unchanged both ways', async () => {
    const content = randomBytes(64 * 1024 * 1024);
    const digest = createHash('sha256').update(content).digest('hex');
    await writeFile(join(site, 'large'), content);
    expect(await onSite('sha256sum <large; cp large copy')).toContain(digest);
    expect(
      createHash('sha256')
        .update(await readFile(join(site, 'copy')))
        .digest('hex'),
    ).toBe(digest);
    for (const name of ['large', 'copy']) await rm(join(site, name));
  });

  test('has databases of SQLite, locks included', async () => {
    const script = `
      sqlite3 db 'create table t(n); pragma journal_mode=delete;' >/dev/null
      for i in 1 2 3; do
        ( for n in 1 2 3 4 5; do sqlite3 -cmd '.timeout 30000' db 'begin immediate; insert into t values(1); commit;'; done ) &
      done
      wait
      sqlite3 db 'select count(*) from t; pragma integrity_check;'`;
    expect(await onSite(script)).toBe('15\nok\n');
  });

  test('holds a clone of a repository', async () => {
    const script = `
      git init -q /tmp/repo && cd /tmp/repo && git config user.email a@b && git config user.name me
      for i in 1 2 3 4 5 6 7 8; do mkdir d$i; echo $i >d$i/f; done
      git add . && git commit -qm one && cd /data && git clone -q --template= /tmp/repo clone
      cd clone && git -c safe.directory='*' status --porcelain && git -c safe.directory='*' log --oneline | wc -l`;
    expect(await onSite(script)).toBe('1\n');
    expect(await readFile(join(site, 'clone/d8/f'), 'utf8')).toBe('8\n');
  });

  test('lets a folder be moved right after a file in it was written', async () => {
    const script =
      'i=0; while [ $i -lt 100 ]; do mkdir a && touch a/f && mv a b && rm -r b || exit 1; i=$((i+1)); done; echo $i';
    expect(await onSite(script)).toBe('100\n');
  });

  test('has a name free again once a deleted file is closed', async () => {
    const script = 'echo 1 >f; exec 3<f; rm f; exec 3<&-; echo 2 >f && cat f && rm f';
    expect(await onSite(script)).toBe('2\n');
  });

  test('keeps the name of a deleted file taken while it is open, as docs/shares.md says', async () => {
    const script =
      'exec 3>f; rm f; { (echo 2 >f) || cat f; } 2>&1 || echo refused; exec 3>&-; echo 3 >f && cat f && rm f';
    const output = await onSite(script);
    // What busybox says of ENOENT when it creates a file, and when it reads one.
    expect(output).toMatch(/nonexistent directory|No such file/);
    expect(output).toMatch(/refused\n3\n$/);
  });

  test("has a second `make` do nothing with the host's clock 2 s ahead", async () => {
    // The VM's clock is put back: the host's own belongs to everything else that runs there.
    const setGuestClock = (seconds: number): Promise<string> =>
      inGuest(instance, IMAGE, `date -s "@$(($(date +%s) + ${seconds}))"\n`);
    const rule = 'out: in\n\tcat in >out && echo built\n';
    await setGuestClock(-2);
    try {
      await writeFile(join(site, 'Makefile'), rule);
      await writeFile(join(site, 'in'), 'x\n');
      const output = await onSite('make -s 2>/tmp/e; make 2>>/tmp/e; cat /tmp/e >&2');
      expect(output).toMatch(/^built\nmake: .*out.* is up to date\.\n$/);
    } finally {
      await setGuestClock(2);
    }
    for (const name of ['Makefile', 'in', 'out']) await rm(join(site, name));
  });

  test('does not change the time of a file after it was closed', async () => {
    const [first, second] = (await onSite('echo x >t; stat -c %Y.%y t; sleep 3; stat -c %Y.%y t'))
      .trim()
      .split('\n');
    expect(first).toMatch(/^\d/);
    expect(second).toBe(first);
  });

  test('has paths of 20 folders with 30 characters each, from both sides', async () => {
    const names = Array.from({ length: 20 }, (_, at) => `folder-${at}-`.padEnd(30, 'x'));
    const path = names.join('/');
    await onSite(`mkdir -p ${path} && echo deep >${path}/f`);
    expect(await readFile(join(site, path, 'f'), 'utf8')).toBe('deep\n');
    await writeFile(join(site, path, 'g'), 'from the host\n');
    expect(await onSite(`cat ${path}/g`)).toBe('from the host\n');
  });

  test('either has fifos or refuses them at once', async () => {
    const script = 'mkfifo p 2>/tmp/e && (echo through >p & cat p) || { test -s /tmp/e && echo refused; }';
    expect(await onSite(script)).toMatch(/^(through|refused)\n$/);
  });

  test('either has Unix sockets or refuses them at once', async () => {
    const script = `
      (timeout 60 socat -u UNIX-LISTEN:s STDOUT >/tmp/got 2>/tmp/listen; : >/tmp/ended) &
      while [ ! -S s ] && [ ! -e /tmp/ended ]; do sleep 0.1; done
      if [ -S s ]; then
        echo through | socat -u STDIN UNIX-CONNECT:s 2>&1 && wait && cat /tmp/got
      else
        grep -oE 'Operation not supported|Input/output error' /tmp/listen | head -n 1
      fi
      rm -f s`;
    expect(await onSite(script)).toMatch(/^(through|Operation not supported|Input\/output error)\n$/);
  });
});

describe('a plain path of this host', () => {
  test('that is not shared is refused with what to do, instead of an empty folder', async () => {
    const message = await refusal('run', '--rm', '-v', `${host}/user:/data`, IMAGE, 'ls');
    expect(message).toContain('is not shared with the VM');
    expect(message).toContain(`mobyvm share add ${host}/user`);
  });

  test('of the VM, and one that exists nowhere, is left to the engine', async () => {
    const output = await instance.docker([
      'run',
      '--rm',
      '-v',
      '/proc/version:/v',
      '-v',
      '/nowhere/x:/x',
      IMAGE,
      'cat',
      '/v',
    ]);
    expect(output).toContain('Linux version');
  });

  test('of a drive that is not shared is refused for volumes and services as well', async () => {
    const volume = await refusal(
      'volume',
      'create',
      '--opt',
      'type=none',
      '--opt',
      'o=bind',
      '--opt',
      'device=D:\\x',
      'v',
    );
    expect(volume).toContain('drive D is not shared');
    expect(await refusal('run', '-v', 'D:\\x:/x', IMAGE)).toContain('mobyvm share add D --path FOLDER');
  });
});

describe('a share with an account of its own', () => {
  const ID = 'U';

  test('is added while the VM runs, and its password is nowhere but in the file for passwords', async () => {
    await share('add', ID, '--path', join(host, 'user'), '--user', 'root', '--password-file', passwordFile);
    expect(await inContainer('U:\\', 'echo mine >f; cat f')).toBe('mine\n');
    const shown = await Promise.all(
      [
        ['share', 'list', '--json'],
        ['status', '--json'],
        ['kvp', 'list', '--json'],
        ['kvp', 'list', '--pool', 'guest', '--json'],
      ].map(async (args) => (await instance.mobyvm(args)).stdout),
    );
    const { stdout: processes } = await run('ps', ['-eo', 'args=', '-ww']);
    const guest = await inGuest(
      instance,
      IMAGE,
      'cat /run/mobyvm/pools/.kvp_pool_* | tr "\\0" "\\n"; ps; cat /proc/mounts; dmesg\n',
    );
    for (const text of [...shown, processes, guest]) expect(text).not.toContain(PASSWORD);
    const { stdout } = await run('grep', ['-rlaF', '--', PASSWORD.slice(0, 6), instance.directory], {
      acceptExitCodes: [0, 1],
    });
    const holders = stdout
      .trim()
      .split('\n')
      .filter((path) => !path.includes('/vm/'));
    expect(holders).toEqual([join(instance.directory, 'state/credentials.json')]);
  });

  test('needs its password again when that was changed, and works after its re-entry', async () => {
    await writeFile(passwordFile, 'another one\n');
    await share('set-credentials', ID, '--password-file', passwordFile);
    expect(await inContainer('U:\\', 'cat f')).toBe('mine\n');
  });

  test('can be removed while a container uses it', async () => {
    await instance.docker(['run', '-d', '--name', 'user', '-v', 'U:\\:/data', IMAGE, 'sleep', '3600']);
    await share('remove', ID);
    expect(await refusal('run', '--rm', '-v', 'U:\\:/x', IMAGE)).toContain('drive U is not shared');
    expect(await readFile(join(host, 'user/f'), 'utf8')).toBe('mine\n');
    await instance.docker(['rm', '-f', 'user']);
  });
});

describe('a share that stops working', () => {
  /** What a bind says. */
  const bindFails = (): Promise<string> => refusal('run', '--rm', '-v', 'C:\\site:/data', IMAGE, 'true');

  /** The state of a moment ago may still be shown. */
  async function untilBindWorks(): Promise<void> {
    const check = async (): Promise<boolean> =>
      (await inContainer('C:\\site', 'cat index.html').catch(() => '')) === 'hello from the host\n';
    await untilTrue('a bind on C to work', check);
    await untilState('C', 'healthy');
  }

  test('since its server is frozen is refused, and heals by itself', async () => {
    await signalSmbd('SIGSTOP');
    expect(await bindFails()).toMatch(/C:\\\\?site.*cannot be mounted/);
    await signalSmbd('SIGCONT');
    await untilBindWorks();
  });

  test('is refused to whatever binds it: create, start, volumes and compose', async () => {
    const file = join(instance.directory, 'compose.yml');
    const services = `version: "3.7"\nservices:\n  app:\n    image: ${IMAGE}\n    volumes: ['C:\\site:/data']\n`;
    await writeFile(file, services);
    const env = {
      ...process.env,
      DOCKER_HOST: `unix://${instance.socket}`,
      COMPOSE_FORCE_WINDOWS_HOST: '1',
    };
    const project = (...args: readonly string[]): Promise<RunResult> =>
      compose(['-f', file, '-p', 'mobyvmshares', ...args], {
        timeoutMs: 180_000,
        env,
        acceptExitCodes: [0, 1, 18],
      });
    const bind = ['-v', 'C:\\site:/data', IMAGE, 'true'];
    const volume = ['type=none', 'o=bind', 'device=C:\\site'].flatMap((option) => ['--opt', option]);
    await instance.docker(['create', '--name', 'bound', ...bind]);
    await instance.docker(['volume', 'create', ...volume, 'site']);
    await instance.docker(['create', '--name', 'mounted', '-v', 'site:/data', IMAGE, 'true']);
    await signalSmbd('SIGSTOP');
    try {
      const refusals = [
        await refusal('create', ...bind),
        await refusal('start', 'bound'),
        await refusal('volume', 'create', ...volume, 'other'),
        await refusal('start', 'mounted'),
        (await project('up')).stderr,
      ];
      for (const text of refusals) expect(text).toMatch(/mobyvm: .*site.*cannot be mounted: /);
    } finally {
      await signalSmbd('SIGCONT');
    }
    await untilBindWorks();
    await project('down');
    await instance.docker(['start', '--attach', 'bound']);
    await instance.docker(['start', '--attach', 'mounted']);
    await instance.docker(['rm', 'bound', 'mounted']);
    await instance.docker(['volume', 'rm', 'site']);
  });

  test('since its server was killed is refused or already back, and heals by itself', async () => {
    await signalSmbd('SIGKILL');
    await untilBindWorks();
  });

  test('since its folder was deleted says so, and heals when the folder is back', async () => {
    await rename(join(host, 'c'), join(host, 'c-away'));
    expect(await bindFails()).toMatch(/c does not exist|is gone|not exist/);
    const check = await instance.mobyvm(['share', 'check', 'C']);
    expect(check).toMatchObject({ exitCode: 1, stdout: expect.stringMatching(/failed +folder/) as string });
    await rename(join(host, 'c-away'), join(host, 'c'));
    await untilBindWorks();
  });

  test('is shown with its reason, and passes its check when it works', async () => {
    const check = await instance.mobyvm(['share', 'check', 'C']);
    expect(check).toMatchObject({ exitCode: 0, stdout: expect.not.stringContaining('failed') as string });
    const status = (await instance.status()) as { shares?: readonly Listed[] } & { state: string };
    expect(status.shares).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: 'C', state: 'healthy' })]),
    );
  });
});

describe('after a restart of the VM', () => {
  test('containers with a restart policy find their share', async () => {
    const script = 'cat /data/index.html >/data/started && exec sleep 3600';
    await instance.docker([
      'run',
      '-d',
      '--restart=always',
      '--name',
      'always',
      '-v',
      'C:\\site:/data',
      IMAGE,
      'sh',
      '-c',
      script,
    ]);
    await sleep(1_000);
    await rm(join(site, 'started'), { force: true });
    expect((await instance.mobyvm(['down', '--stop'])).exitCode).toBe(0);
    await instance.up();
    const check = async (): Promise<boolean> => (await stat(join(site, 'started'))).size > 0;
    const requirement = { title: 'the container', timeoutSeconds: 240, hint: 'See the test.', check };
    await waitFor(requirement, new AbortController().signal);
    expect(await readFile(join(site, 'started'), 'utf8')).toBe('hello from the host\n');
  });

  test('those of a share that cannot be served are held, and started when it can', async () => {
    expect((await instance.mobyvm(['down', '--stop'])).exitCode).toBe(0);
    await rm(join(site, 'started'));
    await rename(join(host, 'c'), join(host, 'c-away'));
    const up = await instance.up();
    expect(up.stdout + up.stderr).toMatch(/Share C does not work/);
    const status = (await instance.status()) as { heldContainers?: readonly string[] } & { state: string };
    expect(status.heldContainers).toEqual(['always']);
    await rename(join(host, 'c-away'), join(host, 'c'));
    await untilState('C', 'healthy');
    const check = async (): Promise<boolean> => (await stat(join(site, 'started'))).size > 0;
    const requirement = { title: 'the held container', timeoutSeconds: 240, hint: 'See the test.', check };
    await waitFor(requirement, new AbortController().signal);
    expect((await readdir(host)).sort()).toEqual(['c', 'password', 'src', 'user']);
  });
});

describe('uninstall', () => {
  test('removes shares and passwords, and none of the files', async () => {
    const result = await instance.mobyvm(['uninstall', '--yes']);
    expect(result.exitCode).toBe(0);
    await expect(stat(join(instance.directory, 'state'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await readFile(join(site, 'index.html'), 'utf8')).toBe('hello from the host\n');
  });
});
