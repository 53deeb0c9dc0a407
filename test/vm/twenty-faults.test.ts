import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run, waitFor } from '../../src/core/host/index.js';
import { hostReport, type Finding } from '../../src/protocol/messages.js';
import { Instance } from '../support/instance.js';
import { RunningProgram } from '../support/netns-program.js';
import { unzip } from '../support/unzip.js';

/**
 * Those of the twenty faults of docs/faults.md that need a guest, on one machine: each is made, doctor names it first and
 * diagnose has it, and when it is undone doctor is content again.
 */
const UPSTREAM = 5399;
const POOL = '/run/mobyvm/pools/.kvp_pool_0';
let instance: Instance;
let shared: string;
let upstream: RunningProgram;

beforeAll(async () => {
  shared = await mkdtemp(join(tmpdir(), 'mobyvm-shared-'));
  await mkdir(join(shared, 'c'));
  instance = await Instance.create({ network: { dnsServers: [`127.0.0.1:${UPSTREAM}`] } });
  await run('ip', ['netns', 'add', instance.namespace]);
  await run('ip', ['-n', instance.namespace, 'link', 'set', 'lo', 'up']);
  upstream = await startUpstream();
  await succeed('share', 'add', 'C', '--path', join(shared, 'c'));
  await instance.up();
  await untilContent();
});
afterAll(async () => {
  await upstream.stop();
  await instance[Symbol.asyncDispose]();
  await rm(shared, { recursive: true, force: true });
});

async function startUpstream(): Promise<RunningProgram> {
  const own = ['--keep-in-foreground', '--conf-file=/dev/null', '--pid-file=', '--user=root', '--no-hosts'];
  const place = [`--port=${UPSTREAM}`, '--listen-address=127.0.0.1', '--bind-interfaces'];
  const server = new RunningProgram('ip', [
    ...['netns', 'exec', instance.namespace, 'dnsmasq', ...own, ...place],
    ...['--no-resolv', '--address=/#/192.0.2.1', '--log-facility=-'],
  ]);
  await server.line(/started/, 60);
  return server;
}

async function succeed(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await instance.mobyvm(args);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout;
}

function inVm(script: string): Promise<string> {
  return succeed('shell', '--', 'sh', '-c', script);
}

/** Goes on when the shell has ended, and without the engine. @param isMended a test of the shell */
async function detached(script: string): Promise<void> {
  const own = `echo $$ >/sys/fs/cgroup/cgroup.procs; ${script}`;
  await inVm(`setsid sh -c '${own}' </dev/null >/dev/null 2>&1 &\nsleep 1`);
}

async function findings(): Promise<readonly Finding[]> {
  const { stdout } = await instance.mobyvm(['doctor', '--json']);
  return hostReport.parse(JSON.parse(stdout)).findings;
}

async function until(title: string, isSo: (found: readonly Finding[]) => boolean): Promise<void> {
  let last: readonly Finding[] = [];
  const check = async (): Promise<boolean> => isSo((last = await findings()));
  const never = new AbortController().signal;
  await waitFor({ title, timeoutSeconds: 300, hint: '', check, everyMs: 1_000 }, never).catch(
    (error: unknown) => {
      expect(last.filter(({ verdict }) => verdict !== 'fine')).toEqual(String(error));
    },
  );
}

/** Nothing is wrong, and everything could be asked. */
function untilContent(): Promise<void> {
  return until('doctor to be content', (found) =>
    found.every(({ verdict }) => verdict === 'fine' || verdict === 'notice'),
  );
}

/** Doctor names it before all else, with a remedy, and diagnose has that in its evidence. */
async function untilNamedFirst(id: string, detail: RegExp): Promise<void> {
  await until(`doctor to name ${id} first`, ([first]) => {
    if (first?.verdict !== 'problem' || first.id !== id || !detail.test(first.detail)) return false;
    return (first.remedy ?? '') !== '';
  });
  const path = join(instance.directory, 'diagnosis.zip');
  await succeed('diagnose', '--out', path, '--force');
  const evidence = unzip(await readFile(path)).get('evidence/doctor.json') ?? '';
  expect(evidence).toContain(`"id": "${id}"`);
}

async function smbds(): Promise<readonly number[]> {
  return (await instance.processes())
    .filter((line) => line.includes('smbd'))
    .map((line) => Number.parseInt(line, 10));
}

test('QEMU that is stopped', async () => {
  const pid = await instance.qemuPid();
  process.kill(pid, 'SIGSTOP');
  await untilNamedFirst('vm', /^does not answer: something has stopped its process/);
  const found = await findings();
  for (const id of ['kvp', 'engine'])
    expect(found.find((each) => each.id === id)).toMatchObject({
      verdict: 'unknown',
      detail: expect.stringContaining('because of "Virtual machine"') as string,
    });
  process.kill(pid, 'SIGCONT');
  await untilContent();
});

test('a file server that is dead', async () => {
  for (const pid of await smbds()) process.kill(pid, 'SIGSTOP');
  await untilNamedFirst('shares', /^C: the server for shares \(smbd, process \d+\) does not answer/);
  for (const pid of await smbds()) process.kill(pid, 'SIGCONT');
  await untilContent();
});

test('an upstream DNS server that is dead', async () => {
  await upstream.stop();
  await untilNamedFirst('dns', new RegExp(`^no server answers: 127.0.0.1:${UPSTREAM}`));
  upstream = await startUpstream();
  await untilContent();
});

test('an engine that is dead in the guest', async () => {
  const isMended = `grep -q mend-engine ${POOL}`;
  await detached(`rc-service docker stop; until ${isMended}; do sleep 1; done; rc-service docker start`);
  await untilNamedFirst('engine', /^does not answer: /);
  await succeed('kvp', 'set', 'mend-engine', 'now');
  await untilContent();
});

test('an hv_kvp_daemon that is dead', async () => {
  await inVm('rc-service mobyvm-kvp stop >/dev/null 2>&1');
  await untilNamedFirst('kvp', /^hv_kvp_daemon in the VM does not answer/);
  await inVm('rc-service mobyvm-kvp start >/dev/null 2>&1');
  await untilContent();
});

test("a token that is not this machine's", async () => {
  const again = 'rc-service mobyvm-share-events restart >/dev/null 2>&1';
  await inVm(`cd /run/mobyvm && cp token kept && echo not-the-right-token >token && ${again}`);
  await untilNamedFirst('token', /in the VM showed a token that is not this machine's/);
  await inVm(`cd /run/mobyvm && mv kept token && ${again}`);
  await untilContent();
});

test('a clock that is off', async () => {
  const at = Math.round(Date.now() / 1000) + 7_200;
  const hold = `until grep -q mend-clock ${POOL}; do date -s @${at} >/dev/null; sleep 1; done`;
  await detached(`rc-service mobyvm-clock stop; ${hold}; rc-service mobyvm-clock start`);
  await untilNamedFirst('clock', /^is \d+ s ahead of this host's$/);
  await succeed('kvp', 'set', 'mend-clock', 'now');
  await untilContent();
});

test('a data disk that is full', async () => {
  const file = '/var/lib/docker/fill';
  await inVm(`set -- $(df -Pk /var/lib/docker | tail -n 1); fallocate -l $((($4 - 409600) * 1024)) ${file}`);
  await untilNamedFirst('data-disk', /^The VM's data disk is \d+ % full/);
  await inVm(`rm ${file}`);
  await untilContent();
});
