import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { questionsOverSocket } from '../../src/cli/diagnosis-questions.js';
import type { OpenShell } from '../../src/daemon/control/shell-connection.js';
import type { DaemonContext } from '../../src/daemon/daemon-context.js';
import { diagnose } from '../../src/daemon/diagnose/diagnose.js';
import { examineHost } from '../../src/daemon/examine-host.js';
import { hostServices } from '../../src/daemon/host-services.js';
import { ProcessEnd } from '../../src/daemon/process-end.js';
import type { AskedProbe } from '../../src/protocol/diagnosis-questions.js';
import { linuxPaths } from '../../src/protocol/paths.js';
import { commandContext, NO_DAEMON } from '../support/cli-context.js';
import { serveControl } from '../support/control-server.js';
import { unzip } from '../support/unzip.js';

let folder = '';
let servers: Server[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-it-diagnose-'));
});
afterEach(async () => {
  for (const server of servers) server.close();
  servers = [];
  await rm(folder, { recursive: true });
});

const pathsOf = () =>
  linuxPaths({
    MOBYVM_STATE_DIR: join(folder, 'state'),
    MOBYVM_RUN_DIR: join(folder, 'run'),
    MOBYVM_LOG_DIR: join(folder, 'log'),
    MOBYVM_SETTINGS: join(folder, 'settings.json'),
  });

function contextOf(env: Readonly<Record<string, string>>): DaemonContext {
  return {
    ...hostServices('linux', { userId: process.getuid?.(), env }),
    paths: pathsOf(),
    platform: 'linux',
    env,
    self: [process.execPath, 'main.js'],
    commandLine: 'mobyvm diagnose',
    pid: process.pid,
    interrupted: new AbortController().signal,
    processEnd: new ProcessEnd(process),
    printError: () => undefined,
    packageDir: folder,
  };
}

const results = z.object({
  durationMs: z.number(),
  probes: z.array(
    z.object({ id: z.string(), verdict: z.string(), reason: z.string(), file: z.string().nullable() }),
  ),
});

async function bundle(env: Readonly<Record<string, string>> = {}, changes: Partial<DaemonContext> = {}) {
  const context = { ...contextOf(env), ...changes };
  const daemon = { ...NO_DAEMON, examineHost: () => examineHost(context, undefined) };
  const asked: readonly AskedProbe[] = questionsOverSocket(commandContext({ paths: context.paths, daemon }));
  // No server of the host is asked by a test.
  const { file } = await diagnose(context, { asked, nameServers: () => ['127.0.0.1:9'] });
  const files = unzip(file);
  const { probes, durationMs } = results.parse(JSON.parse(files.get('results.json') ?? ''));
  return { file, files, durationMs, of: (id: string) => probes.find((each) => each.id === id), probes };
}

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

test('with nothing there, everything has an outcome and the host is described', async () => {
  const { files, probes, of } = await bundle();
  expect(of('status')).toMatchObject({
    verdict: 'absent',
    reason: expect.stringContaining('not running') as unknown,
  });
  expect(of('engine-info')).toMatchObject({ verdict: 'absent' });
  for (const id of ['guest-dmesg', 'guest-services', 'guest-file-systems'])
    expect(of(id), id).toMatchObject({
      verdict: 'absent',
      reason: expect.stringContaining('MOBYVM_DAEMON_NOT_RUNNING') as unknown,
    });
  for (const id of ['doctor', 'versions', 'routes', 'addresses', 'file-systems', 'settings'])
    expect(of(id), id).toMatchObject({ verdict: 'ok' });
  expect(files.get('evidence/routes.txt')).toMatch(/^\$ ip route show table all\n/);
  expect(files.get('evidence/dns-servers-answer.json')).toContain('"answers": false');
  expect(probes.filter(({ verdict }) => verdict === 'failed')).toEqual([]);
  for (const { file } of probes) if (file !== null) expect([...files.keys()]).toContain(file);
  expect(files.get('index.html')).toContain('<h2>Findings');
});

test('other programs can read the file', async () => {
  const { file, files } = await bundle();
  const path = join(folder, 'x.zip');
  await writeFile(path, file);
  const { stdout, status } = spawnSync('python3', ['-m', 'zipfile', '--test', path], { encoding: 'utf8' });
  expect({ stdout, status }).toEqual({ stdout: 'Done testing\n', status: 0 });
  expect(files.size).toBeGreaterThan(20);
});

test('a daemon and an engine that hang cost no more than their own answers', async () => {
  const { controlSocket, engineSocket } = pathsOf();
  await mkdir(dirname(controlSocket), { recursive: true });
  for (const path of [controlSocket, engineSocket]) {
    const server = createServer((socket) => void socket.on('error', () => undefined));
    servers.push(server.listen(path));
    await once(server, 'listening');
  }
  const { files, of, durationMs } = await bundle();
  // What the command promises, whatever hangs.
  expect(durationMs).toBeLessThan(60_000);
  expect(JSON.parse(files.get('evidence/doctor.json') ?? '')).toContainEqual(
    expect.objectContaining({ id: 'daemon', verdict: 'problem', detail: 'The daemon does not answer' }),
  );
  for (const id of ['leases', 'kvp-guest', 'engine-info'])
    expect(of(id), id).toMatchObject({ verdict: 'late' });
  for (const id of ['routes', 'versions', 'daemon-process'])
    expect(of(id), id).toMatchObject({ verdict: 'ok' });
}, 180_000);

test('evidence is left out if the secrets in it cannot be known in time', async () => {
  await put(pathsOf().daemonLog, 'a line that may have one\n');
  const hung = () => new Promise<never>(() => undefined);
  const { files, of, durationMs } = await bundle({}, { credentialsAt: hung });
  expect(durationMs).toBeLessThan(60_000);
  expect(of('daemon-log')).toMatchObject({
    verdict: 'late',
    reason: expect.stringContaining('could not be read in time') as unknown,
  });
  expect([...files.keys()].sort()).toEqual(['index.html', 'results.json']);
  expect(files.get('index.html')).not.toContain('a line that may have one');
});

test('programs in the VM are asked through its shell, and secrets in what they print are masked', async () => {
  const paths = pathsOf();
  const secret = 'Plant3d-item-s3cret-0123456789';
  const item = { name: 'plain-name', value: secret, secret: true };
  await put(paths.kvpItemsFile, JSON.stringify({ version: 2, items: [item], removals: [] }));
  await mkdir(dirname(paths.controlSocket), { recursive: true });
  const asked: string[] = [];
  const openShell: OpenShell = ({ command }) => {
    const [, , script = ''] = command;
    asked.push(script);
    return Promise.resolve({
      // eslint-disable-next-line @typescript-eslint/require-await -- as the interface has it
      output: async function* () {
        const printed = ['dmesg', 'services'].map((id) => `== guest-${id}\n${id} printed ${secret}\n`);
        yield { stream: 'stdout' as const, bytes: Buffer.from(printed.join('')) };
      },
      ...{ write: () => Promise.resolve(), endInput: () => undefined, resize: () => Promise.resolve() },
      ...{ exitCode: Promise.resolve(0), close: () => Promise.resolve() },
    });
  };
  const control = await serveControl(paths.controlSocket, { openShell });
  try {
    const { files, of } = await bundle();
    expect(files.get('evidence/guest-dmesg.txt')).toBe('$ dmesg\ndmesg printed ***\n');
    expect(files.get('evidence/guest-services.txt')).toBe('$ rc-status -a\nservices printed ***\n');
    expect(of('guest-file-systems')).toMatchObject({
      verdict: 'absent',
      reason: 'the shell in the VM ended before',
    });
    // A shell costs the engine a container: there is one for all of them.
    expect(asked).toHaveLength(1);
    expect(control.clients).toBe(0);
  } finally {
    await control.close();
  }
});

test('damaged files are evidence and stop nothing', async () => {
  const paths = pathsOf();
  await put(paths.identityFile, '{"version":');
  await put(paths.settingsFile, '{"vm":{"memoryMiB":"much"}}');
  await put(paths.ledgerFile, 'no JSON');
  await mkdir(paths.daemonLog, { recursive: true });
  const { files, of } = await bundle();
  expect(files.get('evidence/machine-id.txt')).toBe('{"version":');
  expect(files.get('evidence/settings.json')).toContain('vm.memoryMiB');
  expect(of('daemon-log')).toMatchObject({ verdict: 'failed' });
  expect(of('routes')).toMatchObject({ verdict: 'ok' });
});

test('secrets of 14 kinds, planted wherever they could come from, are not in the bundle', async () => {
  const paths = pathsOf();
  const secret = (kind: string): string => `Plant3d-${kind}-s3cret-0123456789abcdefghijkl`;
  const token = 'PlantedTokenOfTheMachine0123456789abcdefghi';
  const key = 'UGxhbnRlZEtleU9mVGhlRW5naW5lMDEyMzQ1Njc4OWFiY2RlZg';
  await put(paths.tokenFile, `${token}\n`);
  await put(paths.credentialsFile, JSON.stringify({ version: 1, passwords: { mobyvm: secret('share') } }));
  const item = { name: 'plain-name', value: secret('kvp'), secret: true };
  await put(paths.kvpItemsFile, JSON.stringify({ version: 2, items: [item], removals: [] }));
  await put(
    join(paths.tlsDir, 'server-key.pem'),
    `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
  );
  await put(
    paths.settingsFile,
    JSON.stringify({
      engine: {
        daemonJson: {
          proxies: { 'https-proxy': `http://me:${secret('proxy')}@proxy.test:3128` },
          'log-opts': { 'splunk-token': secret('splunk') },
        },
      },
    }),
  );
  const lines = [
    JSON.stringify({ event: 'x.y', token, share: secret('share') }),
    JSON.stringify({ event: 'x.y', headers: `X-Registry-Auth: ${secret('registry')}` }),
    JSON.stringify({ event: 'x.y', body: JSON.stringify({ auth: secret('nested') }) }),
    `base64 of it: ${Buffer.from(secret('share')).toString('base64')} and ${encodeURIComponent(secret('kvp'))}`,
    `a line of the key: ${key}`,
  ];
  await put(paths.daemonLog, lines.join('\n'));
  await put(join(paths.logDir, 'daemon1.log'), `Authorization: Bearer ${secret('bearer')}\n`);
  await put(
    paths.daemonOutput,
    `-----BEGIN RSA PRIVATE KEY-----\n${secret('pem')}\n-----END RSA PRIVATE KEY-----\n`,
  );
  await put(
    paths.consoleLog,
    `mount -o username=x,password=${secret('mount')}\nswarm SWMTKN-1-${secret('swarm')}\n`,
  );
  await put(paths.qemuLog, `ghp_${secret('github').replaceAll('-', '')}\n`);
  await put(join(paths.vmStateDir, 'definition.json'), JSON.stringify({ password: secret('definition') }));
  const env = {
    DOCKER_AUTH_CONFIG: `{"auths":{"r":{"auth":"${secret('env')}"}}}`,
    HTTP_PROXY: `http://u:${secret('env2')}@p`,
  };

  const { files } = await bundle(env);
  const all = [...files.values()].join('\n');
  for (const planted of [token, key, 's3cret', Buffer.from(secret('share')).toString('base64').slice(0, 40)])
    expect(
      all.includes(planted),
      `${planted} in ${[...files].find(([, text]) => text.includes(planted))?.[0] ?? ''}`,
    ).toBe(false);
  // What was planted in was collected.
  for (const [name, text] of [
    ['daemon-log', 'X-Registry-Auth'],
    ['daemon-log-1', 'Authorization'],
    ['console', 'username=x'],
    ['vm-records', 'definition.json'],
    ['daemon-output', '***'],
    ['qemu-log', '***'],
  ] as const)
    expect(files.get(`evidence/${name}.txt`)).toContain(text);
  expect(files.get('evidence/daemon-json.json')).toContain('proxy.test:3128');
  expect(files.get('evidence/environment.json')).toContain('DOCKER_AUTH_CONFIG');
});
