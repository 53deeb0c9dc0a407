import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { Agent, request, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, sleep } from '../../src/core/host/index.js';
import { DockerdSetting, hasDockerd, type Way } from '../support/dockerd.js';
import { ask, connectTo, until } from '../support/engine-sockets.js';
import { RunningProgram } from '../support/netns.js';
import { Terminal } from '../support/terminal.js';
import { alikeTests } from './engine-alike.js';

// A skipped test is easily taken for a passed one.
if (!hasDockerd) process.stderr.write('SKIPPED: build/tools/engine is not there; scripts/test makes it.\n');

const IMAGE = 'mobyvm-test/busybox';
const MIB = 1024 * 1024;
/** Longer than the two minutes after which proxies, and Node's own server, give up on silence. */
const SILENCE_MS = 130_000;
const WAYS: readonly Way[] = ['straight', 'through'];
let set: DockerdSetting;
/** Silent all the while that the other tests run. */
let patient: { readonly events: RunningProgram; readonly sinceMs: number } | undefined;

describe.runIf(hasDockerd)('a real Docker Engine through the endpoint', () => {
  beforeAll(async () => {
    set = await DockerdSetting.start();
    await set.importBusybox(IMAGE);
    await set.docker('straight', ['run', '-d', '--name', 'web', IMAGE, 'sleep', '1000000']);
    patient = await startPatientEvents();
  });

  afterAll(async () => {
    await patient?.events.stop();
    await set[Symbol.asyncDispose]();
  });

  /** What a command prints, whichever way it takes; the two must not differ. */
  async function same(args: readonly string[], input?: string): Promise<string> {
    const options = { acceptExitCodes: [0, 1, 7, 125, 126, 127], ...(input === undefined ? {} : { input }) };
    const results = [];
    for (const way of WAYS) results.push(await set.docker(way, args, options));
    const [straight, through] = results.map(({ stdout, stderr, exitCode }) => ({ stdout, stderr, exitCode }));
    expect(through).toEqual(straight);
    return through?.stdout ?? '';
  }

  it('gives the same answers as the engine: versions, lists, inspects, exit codes, errors', async () => {
    for (const args of [
      ['version'],
      // What they print by themselves tells ages, which grow between the two.
      [
        'ps',
        '-a',
        '--no-trunc',
        '--format',
        '{{.ID}} {{.Image}} {{.Command}} {{.CreatedAt}} {{.State}} {{.Names}}',
      ],
      ['images', '--no-trunc', '--format', '{{.ID}} {{.Repository}} {{.Tag}} {{.CreatedAt}} {{.Size}}'],
      ['inspect', 'web', IMAGE],
      ['network', 'ls'],
      ['top', 'web', '-o', 'pid,args'],
      ['run', '--rm', IMAGE, 'sh', '-c', 'echo out; echo err >&2; exit 7'],
      ['inspect', 'nothing-of-that-name'],
      ['exec', 'web', 'no-such-program'],
    ])
      await same(args);
  });

  it.each(['v1.11', 'v9.99'])('rejects the API version %s by itself', async (version) => {
    const answers = WAYS.map(async (way) => {
      const answer = await ask(
        set.socket(way),
        `GET /${version}/containers/json HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n`,
      );
      return answer.replace(/^Date: .*\r\n/m, '');
    });
    const [straight, through] = await Promise.all(answers);
    expect(through).toBe(straight);
    // Below 1.24 its errors are plain text.
    expect(through).toMatch(/^HTTP\/1.1 400 [^]*\r\n\r\n(\{"message":")?client version /);
  });

  it('run -i passes piped input of 5 MB, its end, and the output that follows', async () => {
    const input = `${randomBytes(2.5 * MIB).toString('hex')}\n`;
    expect(await same(['run', '-i', '--rm', IMAGE, 'sh', '-c', 'cat; echo end'], input)).toBe(
      `${input}end\n`,
    );
    const lines = Array.from({ length: 10_000 }, (_, index) => String(99_999 - index)).join('\n');
    expect(await same(['exec', '-i', 'web', 'sort'], lines)).toMatch(/^90000\n/);
  });

  it('exec with a terminal takes its size, its input and its resizes', async () => {
    const docker = new Docker({ socketPath: set.socket('through') });
    const exec = await docker.getContainer('web').exec({
      Cmd: ['sh'],
      AttachStdin: true,
      AttachStdout: true,
      Tty: true,
    });
    const stream = await exec.start({ hijack: true, stdin: true, Tty: true });
    let text = '';
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await exec.resize({ h: 33, w: 111 });
    stream.write('stty size\n');
    await until('the size', () => text.includes('33 111'));
    await exec.resize({ h: 44, w: 122 });
    stream.write('stty size\n');
    await until('the next size', () => text.includes('44 122'));
    stream.write('exit 3\n');
    await once(stream, 'end');
    expect((await exec.inspect()).ExitCode).toBe(3);
  });

  it('attach ends on its detach keys, and the container keeps running', async () => {
    await set.docker('straight', ['run', '-dit', '--name', 'shell', IMAGE, 'sh']);
    const docker = new Docker({ socketPath: set.socket('through') });
    const container = docker.getContainer('shell');
    const stream = await container.attach({
      stream: true,
      stdin: true,
      stdout: true,
      stderr: true,
      hijack: true,
      detachKeys: 'ctrl-p,ctrl-q',
    });
    let text = '';
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    stream.write('echo I am $((6*7))\n');
    await until('the answer', () => text.includes('I am 42'));
    stream.write('\x10\x11');
    await once(stream, 'end');
    expect((await container.inspect()).State.Running).toBe(true);
  });

  const SMALL = { columns: 111, rows: 33 };
  const LARGE = { columns: 122, rows: 44 };

  it('docker exec -it in a terminal follows its size and ends on its detach keys', async () => {
    const command = ['docker', 'exec', '-it', '--detach-keys', 'ctrl-p,ctrl-q', 'web', 'sh'];
    await using terminal = await Terminal.start(command, { ...SMALL, env: set.env('through') });
    // The client tells the first size when the shell runs already.
    await terminal.enter('until [ "$(stty size)" = "33 111" ]; do :; done; echo small now');
    await terminal.shows(/^(\^\[\[\d+;\d+R)?small now$/m);
    await terminal.resize(LARGE);
    await terminal.enter('until [ "$(stty size)" = "44 122" ]; do :; done; echo large now');
    await terminal.shows(/^(\^\[\[\d+;\d+R)?large now$/m);
    await terminal.press('C-p', 'C-q');
    await terminal.shows(/^left \d+$/m);
    await untilStats('no request to be open', ({ tunnels }) => tunnels === 0);
    expect((await set.docker('straight', ['top', 'web', '-o', 'pid,args'])).stdout).toMatch(/ sh$/m);
  });

  it('docker attach in a terminal follows its size, and the container keeps running after its detach keys', async () => {
    await set.docker('straight', ['run', '-dit', '--name', 'terminal', IMAGE, 'sh']);
    const command = ['docker', 'attach', '--detach-keys', 'ctrl-p,ctrl-q', 'terminal'];
    for (const said of ['first', 'second']) {
      await using terminal = await Terminal.start(command, { ...SMALL, env: set.env('through') });
      await terminal.enter('until [ "$(stty size)" = "33 111" ]; do :; done; echo small now');
      await terminal.shows(/^(\^\[\[\d+;\d+R)?small now$/m);
      await terminal.resize(LARGE);
      await terminal.enter(`until [ "$(stty size)" = "44 122" ]; do :; done; echo ${said} large now`);
      await terminal.shows(new RegExp(`^${said} large now$`, 'm'));
      await terminal.press('C-p', 'C-q');
      await terminal.shows(/^(read escape sequence\n)?left \d+$/m);
    }
    const state = ['inspect', '--format', '{{.State.Running}}', 'terminal'];
    expect((await set.docker('through', state)).stdout).toBe('true\n');
  });

  it('attach by websocket passes frames both ways', async () => {
    await set.docker('straight', ['run', '-di', '--name', 'sock', IMAGE, 'cat']);
    const client = await connectTo(set.socket('through'));
    client.write(
      'GET /containers/sock/attach/ws?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: docker\r\nOrigin: http://docker\r\n' +
        'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    let text = '';
    client.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    await until('the upgrade', () => text.includes('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n'));
    // One masked text frame (RFC 6455 §5.2) with a mask of zeros.
    client.write(Buffer.concat([Buffer.from([0x81, 0x86, 0, 0, 0, 0]), Buffer.from('hello\n')]));
    await until('the echo', () => text.endsWith('hello\n'));
    client.destroy();
  });

  it('logs -f delivers 50 MB completely and without delay', async () => {
    const say = `yes ${'x'.repeat(8_000)} | head -c 52428800; echo; echo last; sleep 1000000`;
    await set.docker('straight', ['run', '-d', '--name', 'talker', IMAGE, 'sh', '-c', say]);
    const sums = [];
    for (const way of WAYS) {
      const docker = new Docker({ socketPath: set.socket(way) });
      const stream = await docker.getContainer('talker').logs({ follow: true, stdout: true });
      sums.push(await hashUntil(stream as unknown as IncomingMessage, 'last\n'));
    }
    expect(sums[1]).toEqual(sums[0]);
    expect(sums[1]?.bytes).toBeGreaterThan(50 * MIB);
  });

  it('a client that stops reading costs no memory', async () => {
    const before = await set.stats();
    const clients: Socket[] = [];
    for (let count = 0; count < 10; count += 1) {
      const client = await connectTo(set.socket('through'));
      client.pause();
      client.write('GET /containers/talker/logs?stdout=1 HTTP/1.1\r\nHost: x\r\n\r\n');
      clients.push(client);
    }
    let last = -1;
    let quiet = 0;
    let now = before;
    while (quiet < 5) {
      now = await set.stats();
      quiet = now.bytesToClient === last && now.bytesToClient > before.bytesToClient ? quiet + 1 : 0;
      last = now.bytesToClient;
    }
    expect(now.bufferedBytes).toBeLessThan(10 * MIB);
    expect(now.residentBytes - before.residentBytes).toBeLessThan(60 * MIB);
    for (const client of clients) client.destroy();
    await untilStats('their connections to be gone', ({ tunnels }) => tunnels === 0);
  });

  it('save and load carry 200 MB, and the memory stays flat', async () => {
    const root = join(set.folder, 'big');
    await mkdir(root);
    await writeFile(join(root, 'data'), randomBytes(200 * MIB));
    await run('tar', ['-C', root, '-cf', join(set.folder, 'big.tar'), '.']);
    await set.docker('through', ['import', join(set.folder, 'big.tar'), 'mobyvm-test/big']);
    const before = await set.stats();
    await set.docker('through', ['save', '-o', join(set.folder, 'through.tar'), 'mobyvm-test/big']);
    await set.docker('straight', ['save', '-o', join(set.folder, 'straight.tar'), 'mobyvm-test/big']);
    const [through, straight] = await Promise.all(
      ['through.tar', 'straight.tar'].map((name) => hashOf(join(set.folder, name))),
    );
    expect(through).toBe(straight);
    await set.docker('straight', ['rmi', 'mobyvm-test/big']);
    const loaded = await set.docker('through', ['load', '-i', join(set.folder, 'through.tar')]);
    expect(loaded.stdout).toContain('Loaded image');
    const after = await set.stats();
    expect(after.residentBytes - before.residentBytes).toBeLessThan(80 * MIB);
    await set.docker('straight', ['rmi', 'mobyvm-test/big']);
  });

  it('cp copies trees both ways', async () => {
    const tree = join(set.folder, 'tree');
    await mkdir(join(tree, 'a/b'), { recursive: true });
    for (let count = 0; count < 200; count += 1)
      await writeFile(join(tree, 'a/b', `file ${count}`), randomBytes(10_000));
    await set.docker('through', ['cp', tree, 'web:/tree']);
    await set.docker('through', ['cp', 'web:/tree', join(set.folder, 'back')]);
    await run('diff', ['-r', tree, join(set.folder, 'back')]);
  });

  it.each([false, true])('build takes a context of 50 MB (BuildKit: %s)', async (buildKit) => {
    const context = join(set.folder, `context-${buildKit}`);
    await mkdir(context);
    const data = randomBytes(50 * MIB);
    await writeFile(join(context, 'data'), data);
    await writeFile(join(context, 'Dockerfile'), `FROM ${IMAGE}\nCOPY data /data\nRUN wc -c /data\n`);
    const tag = `mobyvm-test/built-${buildKit}`;
    await set.build('through', ['--network', 'none', '-t', tag, context], buildKit);
    const { stdout } = await set.docker('through', ['run', '--rm', tag, 'wc', '-c', '/data']);
    expect(stdout).toBe(`${data.length} /data\n`);
  });

  it.each([false, true])(
    'build takes an argument of 100 kB and the credentials for 40 registries (BuildKit: %s)',
    async (buildKit) => {
      const context = join(set.folder, `large-head-${buildKit}`);
      await mkdir(context);
      await writeFile(
        join(context, 'Dockerfile'),
        `FROM ${IMAGE}\nARG X\nARG WAY\nRUN echo "$WAY: \${#X}" >/length\n`,
      );
      const config = join(set.folder, 'client/config.json');
      // As long as those of cloud registries.
      const auth = Buffer.from(`AWS:${'t'.repeat(2_000)}`).toString('base64');
      const auths = Array.from({ length: 40 }, (_, index) => [`registry-${index}.example`, { auth }]);
      await writeFile(config, JSON.stringify({ auths: Object.fromEntries(auths) as unknown }));
      try {
        for (const way of WAYS) {
          const args = ['--build-arg', `X=${'a'.repeat(100_000)}`, '--build-arg', `WAY=${way}`];
          const tag = `mobyvm-test/large-head-${buildKit}-${way}`;
          await set.build(way, [...args, '--network', 'none', '-t', tag, context], buildKit);
          const { stdout } = await set.docker('through', ['run', '--rm', tag, 'cat', '/length']);
          expect(stdout).toBe(`${way}: 100000\n`);
        }
      } finally {
        await writeFile(config, '{}');
      }
    },
  );

  it("mounts the engine's own socket where a user names that of DOCKER_HOST, in any spelling", async () => {
    const target = '/var/run/docker.sock';
    const socket = set.socket('through');
    for (const mount of [
      ['-v', `${socket}:${target}`],
      ['--mount', `type=bind,source=${socket},target=${target}`],
      ['-v', `/${socket}:${target}:ro`],
      ['-v', `//var/run/docker.sock:${target}`],
      ['-v', `//./pipe/docker_engine:${target}`],
      ['-v', `\\\\.\\pipe\\mobyvm_engine:${target}`],
    ]) {
      const { stdout } = await set.docker('through', ['run', '--rm', ...mount, IMAGE, 'ls', '-ld', target]);
      expect(stdout, mount.join(' ')).toMatch(/^s/);
    }
    for (const mount of [
      ['--mount', `type=npipe,source=\\\\.\\pipe\\docker_engine,target=${target}`],
      ['-v', `unix://${socket}:${target}`],
    ])
      await expect(set.docker('through', ['run', '--rm', ...mount, IMAGE, 'true'])).rejects.toThrow(
        /-v \/\/var\/run\/docker\.sock:\/var\/run\/docker\.sock/,
      );
  });

  it('events with a filter arrive at once, after any silence, and end with their client', async () => {
    const args = ['events', '--filter', 'container=eventful', '--format', '{{.Action}}'];
    await using events = new RunningProgram('docker', args, clean(set.env('through')));
    await untilStats('the events to be asked for', ({ tunnels }) => tunnels > 0);
    await set.docker('through', ['run', '--name', 'other', '--rm', IMAGE, 'true']);
    await set.docker('through', ['run', '--name', 'eventful', '--rm', IMAGE, 'true']);
    await events.line(/destroy/);
    expect(events.lines.filter((line) => /^(create|start|die|destroy)$/.test(line))).toEqual([
      'create',
      'start',
      'die',
      'destroy',
    ]);
    await events.stop('SIGKILL');
    await untilStats('no request to be open', (stats) => stats.tunnels === 0);
  });

  it('200 concurrent execs each get their own output', async () => {
    const docker = new Docker({ socketPath: set.socket('through') });
    const answers = Array.from({ length: 200 }, async (_, index) => {
      const exec = await docker
        .getContainer('web')
        .exec({ Cmd: ['sh', '-c', `cat; echo ${index}`], AttachStdin: true, AttachStdout: true });
      const stream = await exec.start({ hijack: true, stdin: true });
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.end(`in ${index}\n`);
      await once(stream, 'end');
      // Frames of the multiplexed stream: eight bytes before each piece.
      return Buffer.concat(chunks)
        .toString('latin1')
        .replaceAll(/\x01\0\0\0[^]{4}/g, '');
    });
    expect(await Promise.all(answers)).toEqual(
      Array.from({ length: 200 }, (_, index) => `in ${index}\n${index}\n`),
    );
  });

  it('wait and stats respond when there is something to report', async () => {
    await set.docker('straight', ['run', '-di', '--name', 'waited', IMAGE, 'sh', '-c', 'cat; exit 7']);
    const waiting = set.docker('through', ['wait', 'waited']);
    await untilStats('it to be waited for', (stats) => stats.tunnels > 0);
    await set.docker('through', ['kill', 'waited']);
    expect((await waiting).stdout).toBe('137\n');
    const { stdout } = await set.docker('through', ['stats', '--no-stream', '--format', '{{.Name}}', 'web']);
    expect(stdout).toBe('web\n');
  });

  it('1,000 requests go over one connection of the client', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<unknown>();
    for (let count = 0; count < 1_000; count += 1) {
      const outgoing = request({ socketPath: set.socket('through'), path: '/_ping', agent }).end();
      const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
      sockets.add(incoming.socket);
      incoming.resume();
      await once(incoming, 'end');
    }
    expect(sockets.size).toBe(1);
    agent.destroy();
  });

  it('clients that die at any point leave nothing behind', async () => {
    const programs = [
      ['logs', '-f', 'web'],
      ['attach', '--no-stdin', 'web'],
      ['exec', '-i', 'web', 'cat'],
      ['stats', 'web'],
      ['wait', 'web'],
    ].map((args) => new RunningProgram('docker', args, clean(set.env('through'))));
    await untilStats('all five to be under way', ({ tunnels }) => tunnels >= 5);
    await Promise.all(programs.map((program) => program.stop('SIGKILL')));
    await untilStats('nothing to be open', ({ open, tunnels }) => open === 0 && tunnels === 0);
  });

  describe('with Windows paths', () => {
    it('run -v and --mount see the folder, and inspect shows the path as the user wrote it', async () => {
      const volume = ['run', '--rm', '-v', 'C:\\site:/data:ro', IMAGE, 'cat', '/data/hello'];
      expect((await set.docker('through', volume)).stdout).toBe('from the host\n');
      const mount = ['--mount', 'type=bind,source=C:\\site,target=/data'];
      const named = [
        'create',
        '--name',
        'mounted',
        ...mount,
        '-v',
        'c:/site:/more',
        IMAGE,
        'cat',
        '/data/hello',
      ];
      await set.docker('through', named);
      expect((await set.docker('through', ['start', '-a', 'mounted'])).stdout).toBe('from the host\n');
      const shown = ['inspect', '--format', '{{json .HostConfig.Binds}} {{json .Mounts}}', 'mounted'];
      const through = (await set.docker('through', shown)).stdout;
      const straight = (await set.docker('straight', shown)).stdout;
      expect(through).toContain('"C:\\\\site:/more"');
      expect(through).toContain('"Source":"C:\\\\site"');
      expect(straight).toContain('"/C/site:/more"');
      expect(straight).toContain('"Source":"/C/site"');
    });

    it('a volume of the local driver is bound to the folder', async () => {
      const options = ['--opt', 'type=none', '--opt', 'o=bind', '--opt', 'device=C:\\site'];
      await set.docker('through', ['volume', 'create', ...options, 'site']);
      const { stdout } = await set.docker('through', [
        'run',
        '--rm',
        '-v',
        'site:/d',
        IMAGE,
        'cat',
        '/d/hello',
      ]);
      expect(stdout).toBe('from the host\n');
      const shown = ['volume', 'inspect', '--format', '{{.Options.device}}', 'site'];
      expect((await set.docker('through', shown)).stdout).toBe('C:\\site\n');
      expect((await set.docker('straight', shown)).stdout).toBe('/C/site\n');
    });

    it('a compose file with such paths works with up and down', async () => {
      const file = join(set.folder, 'compose.yml');
      await writeFile(
        file,
        [
          'version: "3.7"',
          'services:',
          '  app:',
          `    image: ${IMAGE}`,
          '    command: cat /data/hello /more/hello',
          '    network_mode: none',
          '    volumes:',
          "      - 'C:\\site:/data:ro'",
          '      - type: bind',
          "        source: 'C:\\site'",
          '        target: /more',
          '',
        ].join('\n'),
      );
      const project = ['-f', file, '-p', 'mobyvmtest'];
      const up = await set.compose('through', [...project, 'up']);
      expect(up.stdout.match(/from the host/g)).toHaveLength(2);
      const { stdout } = await set.docker('through', [
        'ps',
        '-a',
        '--filter',
        'name=mobyvmtest',
        '--format',
        '{{.Mounts}}',
        '--no-trunc',
      ]);
      expect(stdout).toContain('C:\\site');
      await set.compose('through', [...project, 'down']);
    });

    it('a drive that is not shared is refused with a remedy', async () => {
      const args = ['run', '--rm', '-v', 'D:\\data:/data', IMAGE, 'true'];
      const { stderr, exitCode } = await set.docker('through', args, { acceptExitCodes: [125] });
      expect(exitCode).toBe(125);
      expect(stderr).toContain(
        '"D:\\data" cannot be mounted: drive D is not shared with the VM. Share it first.',
      );
      const direct = ['create', '--name', 'dead', '-v', '/D/data:/data', IMAGE, 'true'];
      await set.docker('straight', direct);
      const start = await set.docker('through', ['start', 'dead'], { acceptExitCodes: [1] });
      expect(start.stderr).toContain('drive D is not shared');
    });

    it('a volume on such a drive is refused too, and so is starting a container with one', async () => {
      const options = (device: string) => [
        '--opt',
        'type=none',
        '--opt',
        'o=bind',
        '--opt',
        `device=${device}`,
      ];
      const args = ['volume', 'create', ...options('D:\\data'), 'dead'];
      const { stderr } = await set.docker('through', args, { acceptExitCodes: [1] });
      expect(stderr).toContain('"D:\\data" cannot be mounted: drive D is not shared with the VM.');
      expect((await set.docker('straight', ['volume', 'ls', '-q'])).stdout).not.toContain('dead');
      await set.docker('straight', ['volume', 'create', ...options('/D/data'), 'died']);
      await set.docker('straight', ['create', '--name', 'on-died', '-v', 'died:/d', IMAGE, 'true']);
      const start = await set.docker('through', ['start', 'on-died'], { acceptExitCodes: [1] });
      expect(start.stderr).toContain('"D:\\data" cannot be mounted: drive D is not shared with the VM.');
    });

    it('a folder that does not exist is named as the user wrote it', async () => {
      const args = ['create', '--mount', 'type=bind,source=C:\\nothing,target=/d', IMAGE];
      const { stderr } = await set.docker('through', args, { acceptExitCodes: [1, 125] });
      expect(stderr).toContain('bind source path does not exist: C:\\nothing');
    });
  });

  describe('as straight,', () => alikeTests(() => set));

  // The last one: it waits for what is left of the silence.
  it('events still arrive after minutes of silence', { timeout: SILENCE_MS + 30_000 }, async () => {
    const { events, sinceMs } = patient!;
    await sleep(Math.max(0, SILENCE_MS - (performance.now() - sinceMs)));
    expect(events.ended).toBe(false);
    expect(events.lines).toEqual([]);
    await set.docker('through', ['kill', 'patient']);
    await events.line(/^die patient$/);
  });
});

/** By an endpoint of their own: what it has open is counted by none of the other tests. */
async function startPatientEvents(): Promise<NonNullable<typeof patient>> {
  await set.docker('straight', ['run', '-d', '--name', 'patient', IMAGE, 'sleep', '1000000']);
  const endpoint = await set.anotherEndpoint();
  const filters = ['--filter', 'container=patient', '--filter', 'event=die'];
  const args = ['events', ...filters, '--format', '{{.Action}} {{.Actor.Attributes.name}}'];
  const env = { ...set.env('through'), DOCKER_HOST: `unix://${endpoint.socket}` };
  const events = new RunningProgram('docker', args, clean(env));
  await untilStats('the events to be asked for', ({ tunnels }) => tunnels > 0, endpoint);
  return { events, sinceMs: performance.now() };
}

async function untilStats(
  title: string,
  holds: (stats: Awaited<ReturnType<DockerdSetting['stats']>>) => boolean,
  of: Pick<DockerdSetting, 'stats'> = set,
): Promise<void> {
  let isFulfilled = false;
  const look = async (): Promise<void> => {
    while (!isFulfilled && !isOver) isFulfilled = holds(await of.stats());
  };
  let isOver = false;
  const looking = look();
  try {
    await until(title, () => isFulfilled);
  } finally {
    isOver = true;
    await looking;
  }
}

async function hashUntil(stream: IncomingMessage, last: string): Promise<{ sum: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
    if (chunk.subarray(-last.length).toString() === last) break;
  }
  return { sum: hash.digest('hex'), bytes };
}

async function hashOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

function clean(env: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
