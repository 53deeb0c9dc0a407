import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runCommand } from '../../../src/cli/commands.js';
import type { Input } from '../../../src/cli/context.js';
import { clientFinding } from '../../../src/cli/docker-client.plan.js';
import { run } from '../../../src/core/host/index.js';
import { hostReport, type Finding } from '../../../src/protocol/messages.js';
import { linuxPaths } from '../../../src/protocol/paths.js';
import { commandContext, NO_DAEMON, printedBy } from '../../support/cli-context.js';

const FINE: Finding = { id: 'tun', title: 'Network devices', verdict: 'fine', detail: 'there' };
const BRIDGE: Finding = {
  id: 'bridge',
  title: 'bridge mobyvm0',
  verdict: 'notice',
  detail: 'missing',
  remedy: 'x',
  isFixable: true,
};
const PROBLEM: Finding = {
  id: 'ports',
  title: 'Ports',
  verdict: 'problem',
  detail: 'taken',
  remedy: 'Stop it.',
};

let folder = '';
let server: Server;
let asked: string[];
/** What the daemon finds before and after a repair. */
let found: { readonly before: readonly Finding[]; readonly after: readonly Finding[] };
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-doctor-'));
  asked = [];
  server = createServer((request, response) => {
    asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
    response.end(JSON.stringify({ findings: request.url === '/v1/repair' ? found.after : found.before }));
  });
  await new Promise<void>((resolve) => server.listen(join(folder, 'control.sock'), resolve));
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

async function doctor(
  args: readonly string[],
  { answer, env = {} }: { answer?: string; env?: Record<string, string> } = {},
) {
  const { lines, terminal } = printedBy();
  const never = () => Promise.reject(new TypeError('not read'));
  const input: Input = {
    isTerminal: answer !== undefined,
    read: never,
    readHidden: never,
    readLine: () => Promise.resolve(answer ?? ''),
  };
  const paths = linuxPaths({ MOBYVM_RUN_DIR: folder });
  const code = await runCommand(['doctor', ...args], commandContext({ terminal, input, paths, env }));
  return { code, lines, text: lines.join('\n') };
}

describe('doctor --fix', () => {
  test('asks, repairs, and shows what is left', async () => {
    found = {
      before: [FINE, BRIDGE],
      after: [FINE, { ...BRIDGE, verdict: 'fine', detail: 'as set up', isFixable: false }],
    };
    const { code, text } = await doctor(['--fix'], { answer: 'y' });
    expect(code).toBe(0);
    expect(text).toContain('Repair bridge mobyvm0? [y/N] ');
    expect(text).toContain('as set up');
    expect(asked).toEqual(['GET /v1/doctor', 'POST /v1/repair']);
  });

  test('changes nothing when the answer is no', async () => {
    found = { before: [BRIDGE], after: [] };
    const { code, text } = await doctor(['--fix'], { answer: '' });
    expect({ code, asked }).toEqual({ code: 1, asked: ['GET /v1/doctor'] });
    expect(text).toContain('Nothing was changed.');
  });

  test('asks nothing with --yes, and prints JSON once', async () => {
    found = { before: [BRIDGE], after: [FINE] };
    const { code, lines } = await doctor(['--fix', '--yes', '--json']);
    expect({ code, lines }).toEqual({ code: 0, lines: [JSON.stringify({ findings: [FINE] })] });
  });

  test.each([
    ['what could not be repaired', [BRIDGE]],
    ['a problem that is none of the machine itself', [FINE, PROBLEM]],
  ])('exits with 1 for %s', async (_what, after) => {
    found = { before: [BRIDGE], after };
    expect((await doctor(['--fix', '--yes'])).code).toBe(1);
  });

  test('repairs nothing when there is nothing that it could repair', async () => {
    found = { before: [PROBLEM], after: [] };
    const { code, text } = await doctor(['--fix', '--yes']);
    expect({ code, asked }).toEqual({ code: 1, asked: ['GET /v1/doctor'] });
    expect(text).toContain('Nothing found that mobyvm can repair by itself.');
  });

  test('refuses to ask without a terminal, before it looks', async () => {
    await expect(doctor(['--fix'])).rejects.toMatchObject({
      code: 'MOBYVM_USAGE',
      remedy: 'Add --yes to repair without a question.',
    });
    await expect(doctor(['--fix', '--json'], { answer: 'y' })).rejects.toMatchObject({
      code: 'MOBYVM_USAGE',
    });
    await expect(doctor(['--yes'])).rejects.toMatchObject({
      code: 'MOBYVM_USAGE',
      message: '--yes is for --fix.',
    });
    expect(asked).toEqual([]);
  });
});

test('without --fix, doctor changes nothing; notices are no failure, problems are', async () => {
  found = { before: [BRIDGE], after: [] };
  expect((await doctor([])).code).toBe(0);
  found = { before: [BRIDGE, PROBLEM], after: [] };
  expect((await doctor([])).code).toBe(1);
  expect(asked).toEqual(['GET /v1/doctor', 'GET /v1/doctor']);
});

test('without a daemon, doctor --fix examines the host and repairs nothing', async () => {
  const { lines, terminal } = printedBy();
  const daemon = { ...NO_DAEMON, examineHost: () => Promise.resolve([FINE]) };
  expect(await runCommand(['doctor', '--fix', '--yes'], commandContext({ terminal, daemon }))).toBe(0);
  expect(lines.at(-1)).toBe('Nothing found that mobyvm can repair by itself.');
});

describe("what leads Docker's clients elsewhere", () => {
  const own = ['unix:///run/mobyvm/docker.sock', 'npipe:////./pipe/docker_engine'];
  test.each([
    [{ DOCKER_HOST: 'tcp://192.168.99.100:2376' }, /^DOCKER_HOST is tcp:\/\/192\.168\.99\.100:2376/],
    [{ DOCKER_CONTEXT: 'remote' }, /^DOCKER_CONTEXT is remote/],
  ])('%j is reported (docker/for-win#5115)', (env, detail) => {
    expect(clientFinding(env, own)).toMatchObject({
      verdict: 'notice',
      detail: expect.stringMatching(detail) as unknown,
    });
  });

  test.each([
    [{}],
    [{ DOCKER_HOST: '' }],
    [{ DOCKER_HOST: own[0], DOCKER_CONTEXT: 'remote' }],
    [{ DOCKER_HOST: 'npipe:////./PIPE/docker_engine' }],
    [{ DOCKER_CONTEXT: 'default' }],
  ])('%j is fine', (env) => {
    expect(clientFinding(env, own)).toBeUndefined();
  });

  test('is shown beside what the daemon finds', async () => {
    found = { before: [FINE], after: [] };
    const { text } = await doctor([], { env: { DOCKER_HOST: 'tcp://192.0.2.1:2376' } });
    expect(text).toContain('DOCKER_HOST is tcp://192.0.2.1:2376');
  });
});

describe('a daemon that was killed', () => {
  /** @param socket what is at the place of the control socket */
  async function withoutDaemon(socket: 'left' | 'absent', leftovers: number): Promise<readonly Finding[]> {
    const place = join(folder, socket);
    await mkdir(place);
    const script = `require('net').createServer().listen(${JSON.stringify(join(place, 'control.sock'))}, () => process.kill(process.pid, 'SIGKILL'))`;
    if (socket === 'left') await run(process.execPath, ['-e', script]).catch(() => undefined);
    const { lines, terminal } = printedBy();
    const daemon = {
      ...NO_DAEMON,
      examineHost: () => Promise.resolve([PROBLEM, FINE]),
      leftovers: () => Promise.resolve(leftovers),
    };
    const paths = linuxPaths({ MOBYVM_RUN_DIR: place });
    await runCommand(['doctor', '--json'], commandContext({ terminal, daemon, paths }));
    return hostReport.parse(JSON.parse(lines[0] ?? '')).findings;
  }

  test('is named first, with the stale control socket that it has left', async () => {
    expect(await withoutDaemon('left', 0)).toMatchObject([
      { id: 'daemon', detail: 'is not running: it was killed, and its control socket is left' },
      PROBLEM,
      FINE,
    ]);
  });

  test('is named first if only what it set up is left', async () => {
    expect(await withoutDaemon('absent', 3)).toMatchObject([
      { id: 'daemon', detail: 'is not running: it was killed' },
      PROBLEM,
      FINE,
    ]);
  });

  test('is not missed on a host on which it never ran', async () => {
    expect(await withoutDaemon('absent', 0)).toEqual([PROBLEM, FINE]);
  });
});
