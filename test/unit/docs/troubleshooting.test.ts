import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { statusLines as dnsLines, answerLines } from '../../../src/cli/dns.js';
import { portLines } from '../../../src/cli/port.js';
import { statusLines } from '../../../src/cli/render-status.js';
import { clientFinding } from '../../../src/cli/docker-client.plan.js';
import { COMMANDS } from '../../../src/cli/definitions.js';
import { runCommand } from '../../../src/cli/commands.js';
import { checkLines } from '../../../src/cli/share.js';
import { managed } from '../../../src/core/host/index.js';
import { reportOf, textOf, type Change } from '../../../src/core/values/index.js';
import { diskObstacles } from '../../../src/daemon/guest/index.js';
import { judgeDisk, judgeSize } from '../../../src/daemon/doctor/host-room.plan.js';
import { judgePorts } from '../../../src/daemon/doctor/ports-finding.js';
import { resourceFindings } from '../../../src/daemon/doctor/resource-findings.js';
import { readSettings, settingsFinding } from '../../../src/daemon/doctor/settings-finding.js';
import { loadIdentity } from '../../../src/daemon/identity.js';
import { verifyImage } from '../../../src/daemon/image.js';
import { engineLost } from '../../../src/daemon/machine/machine-messages.js';
import { settingsSchema } from '../../../src/daemon/settings/schema.js';
import type { PortFacts } from '../../../src/proxy/index.js';
import type { PortRequest } from '../../../src/proxy/port/port-request.js';
import { publishError } from '../../../src/proxy/port/publish-error.js';
import type { MachineStatus } from '../../../src/protocol/messages.js';
import { linuxPaths } from '../../../src/protocol/paths.js';
import { stalledError } from '../../../src/vm/stalled.js';
import { commandContext, NO_DAEMON, printedBy } from '../../support/cli-context.js';

const root = join(import.meta.dirname, '../../..');
const page = readFileSync(join(root, 'docs/troubleshooting.md'), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, symptom = '', command = '', shows = '']) => ({ symptom, command, shows }))
  .filter(({ symptom }) => symptom !== 'symptom' && !symptom.startsWith('---'));

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-trouble-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const signal = new AbortController().signal;
const settings = settingsSchema.parse({});
const failure = (work: Promise<unknown>): Promise<string> => work.then(() => 'no failure', textOf);

async function printed(line: string, changes: Parameters<typeof commandContext>[0] = {}): Promise<string> {
  const { lines, terminal } = printedBy();
  await runCommand(line.split(' '), commandContext({ terminal, ...changes }));
  return lines.join('\n');
}

async function put(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

async function resourceText(change: Change): Promise<string> {
  const bridge = managed(
    {
      id: 'bridge',
      title: 'bridge mobyvm0',
      observe: () => Promise.resolve(undefined),
      plan: () => change,
      ensure: () => Promise.resolve(),
      remove: () => Promise.resolve('none' as const),
    },
    {},
  );
  const [finding] = await resourceFindings({ resources: [bridge], isUp: true, signal });
  expect(finding?.isFixable).toBe(true);
  return finding?.detail ?? '';
}

async function damagedImage(): Promise<string> {
  const isoPath = await put('mobyvm.iso', 'damaged');
  const sha256 = createHash('sha256').update('as built').digest('hex');
  await put(
    'manifest.json',
    JSON.stringify({ schemaVersion: 1, recipe: 'debian', files: { 'mobyvm.iso': { size: 7, sha256 } } }),
  );
  return failure(verifyImage({ directory: folder, isoPath }, signal));
}

async function hungDaemon(): Promise<string> {
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    const over = new AbortController();
    setTimeout(() => over.abort(new DOMException('over', 'TimeoutError')), ms / 100);
    return over.signal;
  });
  const hung = createServer(() => undefined);
  await new Promise<void>((resolve) => hung.listen(join(folder, 'control.sock'), resolve));
  try {
    const daemon = { ...NO_DAEMON, examineHost: () => Promise.resolve([]) };
    return await printed('doctor', { daemon, paths: linuxPaths({ MOBYVM_RUN_DIR: folder }) });
  } finally {
    hung.closeAllConnections();
    await new Promise((resolve) => hung.close(resolve));
  }
}

async function olderLog(): Promise<string> {
  const fields = { server: '192.0.2.1', reason: 'no answer' };
  const record = { time: new Date().toISOString(), level: 'warn', event: 'dns.upstream.failed', ...fields };
  await put('daemon.log', `${JSON.stringify(record)}\n`);
  return printed('logs --since 2h --level warn', { paths: linuxPaths({ MOBYVM_LOG_DIR: folder }) });
}

const FAILING = {
  servers: [
    {
      server: '192.0.2.1:53',
      isLastResort: false,
      state: 'failing' as const,
      sent: 3,
      answered: 0,
      failed: 3,
    },
  ],
  searchDomains: [],
  cache: { entries: 0, bytes: 0, hits: 0, misses: 0, stale: 0, evicted: 0 },
  hosts: { hostsFile: 0, settings: 0 },
  queries: { total: 3, waiting: 0, failed: 3, refused: 0, dropped: 0 },
};
const ANSWER = {
  name: 'db.test',
  type: 'A',
  rcode: 'NOERROR',
  answers: [],
  answeredBy: { kind: 'rule' as const, rule: 'hosts file' },
  milliseconds: 1,
};
const portFacts: PortFacts = {
  boundSockets: () => Promise.resolve([{ address: '*', port: 53 }]),
  owner: () => Promise.resolve({ name: 'dnsmasq', pid: 7 }),
  bindFailure: () => Promise.resolve({ kind: 'other' }),
  hostAddresses: () => [],
};

const GIB_KIB = 1024 ** 2;
const RUNNING: MachineStatus = {
  state: 'running',
  since: '2026-05-04T03:02:01.000Z',
  daemon: {
    ...{ pid: 7, version: '0.1.0', startedAt: '2026-05-04T03:02:01.000Z', isBackground: true },
    ...{ stateDir: '/s', logDir: '/l', settingsFile: '/settings.json' },
  },
  vm: { driver: 'qemu', state: 'running', machineId: 'id' },
  network: { name: 'mobyvm0', vmAddress: '10.0.75.2', mac: '02:00:00:00:00:01' },
  engine: { endpoint: '/run/mobyvm/docker.sock', reachable: true },
  hostNetworkContainers: ['web'],
  obstacles: [
    ...diskObstacles({ totalKiB: 60 * GIB_KIB, freeKiB: GIB_KIB, files: 4_000_000, freeFiles: 3_000_000 }),
  ],
};

const PUBLISHED: PortRequest = {
  ...{ protocol: 'tcp', hostIp: '127.0.0.1', hostPort: 8_080 },
  ...{ containerIp: '172.17.0.2', containerPort: 80, relayPort: undefined },
};
const COLLECTED = {
  id: 'console',
  title: "The VM's console",
  verdict: 'ok',
  reason: '',
  durationMs: 1,
} as const;

/** What makes the symptom, and the text that the command then shows. */
const FAULTS: Readonly<Record<string, () => Promise<string> | string>> = {
  '`docker` finds no socket or pipe': () => printed('status'),
  'the daemon is gone, containers still run': () =>
    printed('status', { daemon: { ...NO_DAEMON, leftovers: () => Promise.resolve(3) } }),
  'commands hang or say that there is no answer': () => hungDaemon(),
  '`docker` shows other containers and images': () =>
    clientFinding({ DOCKER_HOST: 'tcp://192.0.2.1:2376' }, [])?.detail ?? '',
  '`docker` shows other containers, no DOCKER_HOST': () =>
    clientFinding({ DOCKER_CONTEXT: 'remote' }, [])?.detail ?? '',
  'a command needs rights': () => printed('explain MOBYVM_NOT_ROOT'),
  'something went wrong an hour ago': () => olderLog(),
  '`up` refuses the settings': async () => {
    const path = await put('settings.json', '{"vm":{"memoryMiB":"much"}}');
    return settingsFinding(await readSettings(path, 'linux'), path).detail;
  },
  '`up` says that there is no boot image': () =>
    failure(verifyImage({ directory: folder, isoPath: join(folder, 'mobyvm.iso') }, signal)),
  '`up` says that the boot image is damaged': () => damagedImage(),
  '`up` stops at a file of the state': async () => {
    expect(await failure(loadIdentity(await put('machine.json', '{"version":'), folder))).toContain(
      'machine.json',
    );
    return printed('explain MOBYVM_STATE_FILE');
  },
  '`up` fails, and the disk is full': () => judgeDisk(settings, '/var/lib/mobyvm', 1_000_000).detail,
  'the host swaps or kills programs': () =>
    judgeSize(settings, { memoryMiB: 4_096, availableMiB: 512, processors: 8, isVmUp: false }).detail,
  '`up` says that a port is in use': async () => (await judgePorts('10.0.75.1', portFacts)).detail,
  'containers lost their network': () => resourceText({ kind: 'create' }),
  'containers lost their network, only partly': () => resourceText({ kind: 'update', fields: ['addresses'] }),
  'a container with `--network host` is not found at `localhost`': () =>
    statusLines(RUNNING, 'linux').join('\n'),
  'containers write nothing any more': () => statusLines(RUNNING, 'linux').join('\n'),
  'names are not resolved in containers': () => dnsLines(FAILING).join('\n'),
  'one name is resolved wrongly': () => answerLines(ANSWER).join('\n'),
  'the machine is `degraded`': () =>
    statusLines({ ...RUNNING, state: 'degraded', error: reportOf(engineLost()) }, 'linux').join('\n'),
  'the VM pauses': () =>
    statusLines(
      {
        ...RUNNING,
        state: 'degraded',
        error: reportOf(stalledError({ folder: '/var/lib/mobyvm', freeBytes: 0 })),
      },
      'linux',
    ).join('\n'),
  'a port cannot be published': async () => {
    const { message: problem } = await publishError(PUBLISHED, '127.0.0.1', {
      error: new TypeError('EADDRINUSE'),
      portFacts: {
        ...portFacts,
        bindFailure: () => Promise.resolve({ kind: 'in-use', owner: { name: 'nginx', pid: 7 } }),
      },
    });
    const traffic = { connections: 0, bytesIn: 0, bytesOut: 0 };
    const port = { ...PUBLISHED, ...traffic, container: 'web', state: 'failed', problem } as const;
    return portLines({ ports: [port] }).join('\n');
  },
  'anything else': () => {
    const diagnosis = {
      file: new Uint8Array(2_048),
      probes: [COLLECTED, { ...COLLECTED, verdict: 'late' as const }],
    };
    const daemon = { ...NO_DAEMON, diagnose: () => Promise.resolve(diagnosis) };
    return printed(`diagnose --out ${join(folder, 'diagnosis.zip')}`, { daemon });
  },
  'a bind is refused, a share does not work': () =>
    checkLines({ steps: [{ step: 'login', verdict: 'failed', detail: 'wrong password', remedy: 'x' }] })
      .join('\n')
      .replace('account and password', 'login'),
};

/** Rows whose fault takes a VM or a network of its own: the test that makes it, and what that test expects to be shown. */
const ELSEWHERE: Readonly<Record<string, readonly [file: string, expected: string]>> = {
  '`up` says that the subnet is in use': [
    'test/integration/doctor-faults.test.ts',
    String.raw`/^The subnet 10\.0\.75\.0\/24 is in use on this host: .*vpn0/`,
  ],
  'the VM does not get to its engine': ['test/vm/faults.test.ts', '/The last stage was "[a-z]+"/'],
  'key-value items do not arrive': ['test/contract/kvp-exchange.ts', "code: 'MOBYVM_KVP_NOT_READY'"],
};

test('each row is exercised, here or by another test', () => {
  const known = [...Object.keys(FAULTS), ...Object.keys(ELSEWHERE)];
  expect(rows.map(({ symptom }) => symptom).sort()).toEqual(known.sort());
  for (const [path, expected] of Object.values(ELSEWHERE))
    expect(readFileSync(join(root, path), 'utf8'), path).toContain(expected);
});

describe('what the page says that a command shows', () => {
  test.each(rows.filter(({ symptom }) => FAULTS[symptom] !== undefined))(
    '$symptom',
    async ({ symptom, shows }) => {
      const [, quoted = ''] = /^`(.+)`$/.exec(shows) ?? [];
      const pattern = quoted
        .split('…')
        .map((part) => part.trim().replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`));
      expect(quoted).not.toBe('');
      expect(((await FAULTS[symptom]?.()) ?? '').replaceAll(/[ \n]+/g, ' ')).toMatch(
        new RegExp(pattern.map((part) => part.replaceAll(/ +/g, ' ')).join('.*')),
      );
    },
  );
});

test.each([...page.matchAll(/`mobyvm ([a-z][^`…]*)`/g)].map(([, line = '']) => line))(
  'mobyvm %s exists',
  (line) => {
    const found = COMMANDS.find(({ name }) => line === name || line.startsWith(`${name} `));
    expect(found, line).toBeDefined();
    const { options = {} } = found ?? {};
    const known = Object.entries(options).flatMap(([name, { alias }]) => [`--${name}`, `-${String(alias)}`]);
    for (const option of line.split(' ').filter((word) => word.startsWith('-')))
      expect(known).toContain(option);
  },
);
