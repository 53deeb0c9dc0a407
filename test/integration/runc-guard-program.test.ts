import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, type RunResult } from '../../src/core/host/index.js';

/** The program in front of runc; runc is `echo`, and what is mounted is a list that the test writes. */
const MAKE = resolve(import.meta.dirname, '../../guest/build/make-runc-guard');
let folder = '';
let program = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-runc-guard-'));
  program = join(folder, 'runc');
  await run(MAKE, [program]);
  for (const [id, points, state] of [
    ['C', '/C\n/c\n', 'failed tcp 111 Connection "refused"'],
    ['D', '/D\n', 'mounted'],
    ['home', '/home/me/src\n', 'unmounted'],
  ] as const) {
    await mkdir(join(folder, 'shares', id), { recursive: true });
    await writeFile(join(folder, 'shares', id, 'points'), points);
    await writeFile(join(folder, 'shares', id, 'state'), `${state}\n`);
  }
  await writeFile(
    join(folder, 'mountinfo'),
    '1 2 0:3 / /C ro - tmpfs mobyvm-share ro\n3 2 0:4 / /D rw - cifs //10.0.75.1/D rw\n',
  );
});
afterAll(() => rm(folder, { recursive: true }));

async function runc(config: unknown, args = ['create', '--bundle', folder, 'id']): Promise<RunResult> {
  const text = typeof config === 'string' ? config : JSON.stringify(config);
  await writeFile(join(folder, 'config.json'), text);
  await rm(join(folder, 'log'), { force: true });
  return run(program, ['--log', join(folder, 'log'), '--log-format', 'json', ...args], {
    env: { MOBYVM_RUN: folder, MOBYVM_MOUNTINFO: join(folder, 'mountinfo'), MOBYVM_RUNC: '/bin/echo' },
    acceptExitCodes: [0, 1],
  });
}

const binding = (source: string) => ({
  ociVersion: '1.1.0',
  process: { args: ['sh', '-c', 'echo "}]{[\\"'], env: ['A=é'], noNewPrivileges: true, oomScoreAdj: -5 },
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid'] },
    { destination: '/x', type: 'bind', source, options: ['rbind', 'rprivate'] },
  ],
  linux: { resources: {} },
});

describe('a container that binds a share which is not mounted', () => {
  test.each([
    ['/C', 'mobyvm: share C is not mounted: Connection "refused"'],
    ['/C/site', 'mobyvm: share C is not mounted: Connection "refused"'],
    ['/c/üml "x"\\y', 'mobyvm: share C is not mounted: Connection "refused"'],
    ['/home/me/src/a', 'mobyvm: share home is not mounted: the host does not offer it'],
  ])('is refused, in the form in which runc reports errors: %s', async (source, message) => {
    const { exitCode, stdout } = await runc(binding(source));
    expect(exitCode).toBe(1);
    expect(stdout).toBe('');
    expect(JSON.parse(await readFile(join(folder, 'log'), 'utf8'))).toMatchObject({
      level: 'error',
      msg: message,
    });
  });

  test('is refused also if its source is escaped', async () => {
    const { exitCode } = await runc('{"mounts":[{"source":"\\/\\u0043\\/\\ud83d\\ude00"}]}');
    expect(exitCode).toBe(1);
  });
});

describe('everything else', () => {
  test.each(['/D/site', '/Cx', '/', '/home/me', 'tmpfs'])('is left to runc: %s', async (source) => {
    const { exitCode, stdout } = await runc(binding(source));
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`create --bundle ${folder} id`);
  });

  test.each([
    ['another command', binding('/C'), ['start', 'id']],
    ['a bundle that is no JSON', '{"mounts":[{"source"', undefined],
    ['a bundle without mounts', {}, undefined],
    ['a bundle that is nested too deeply', `{"x":${'['.repeat(100_000)}`, undefined],
  ])('is left to runc: %s', async (_title, config, args) => {
    expect((await runc(config, args)).exitCode).toBe(0);
  });
});
