import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readFileIfPresent, run } from '../../src/core/host/index.js';

/** How `scripts/up` builds: the real shell function and the real build command, on a tiny project with a made-up compiler and bundler. */
const ROOT = resolve(import.meta.dirname, '../..');
const NEVER_MIND = Array.from({ length: 256 }, (_, code) => code);
let project = '';

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'mobyvm-build-'));
  for (const folder of ['src', 'scripts/lib', 'node_modules/.bin']) {
    await mkdir(join(project, folder), { recursive: true });
  }
  for (const file of ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']) {
    await cp(join(ROOT, file), join(project, file));
  }
  await cp(join(ROOT, 'scripts/lib/steps.sh'), join(project, 'scripts/lib/steps.sh'));
  await writeFile(join(project, 'src/main.ts'), 'one');
  await writeFile(join(project, 'scripts/bundle-dashboard.mjs'), '');
  // The dependencies are there already: nothing is to be fetched.
  const { stdout } = await run('sha256sum', [join(project, 'package-lock.json')]);
  await writeFile(join(project, 'node_modules/.mobyvm-lock'), stdout.split(' ')[0] ?? '');
  await compiler('mkdir -p dist.new && cp src/main.ts dist.new/main.js');
});
afterEach(() => rm(project, { recursive: true }));

/** `tsc` becomes these shell lines; each run of it is noted. */
async function compiler(lines: string): Promise<void> {
  const script = `#!/bin/sh\necho run >>runs\n${lines}\n`;
  await writeFile(join(project, 'node_modules/.bin/tsc'), script, { mode: 0o755 });
}

async function build(): Promise<number> {
  const { exitCode } = await run('bash', ['-ec', 'root=$PWD; . scripts/lib/steps.sh; build_project'], {
    cwd: project,
    acceptExitCodes: NEVER_MIND,
  });
  return exitCode;
}

async function runs(): Promise<number> {
  return ((await readFileIfPresent(join(project, 'runs'))) ?? '').split('run').length - 1;
}

test('a build compiles nothing twice, and recompiles what changed', async () => {
  expect(await build()).toBe(0);
  expect(await build()).toBe(0);
  expect(await runs()).toBe(1);
  await writeFile(join(project, 'src/main.ts'), 'two');
  expect(await build()).toBe(0);
  expect(await runs()).toBe(2);
  expect(await readFile(join(project, 'dist/main.js'), 'utf8')).toBe('two');
  await writeFile(join(project, 'tsconfig.build.json'), '{}');
  await build();
  expect(await runs()).toBe(3);
});

test.each([
  ['interrupted', 'mkdir dist.new && echo half >dist.new/main.js && kill -INT $$'],
  ['incorrect', 'mkdir dist.new && echo half >dist.new/main.js && exit 2'],
])('an %s build leaves the previous one in place and is repeated', async (_what, lines) => {
  await build();
  await writeFile(join(project, 'src/main.ts'), 'two');
  await compiler(lines);
  expect(await build()).not.toBe(0);
  expect(await readFile(join(project, 'dist/main.js'), 'utf8')).toBe('one');
  await compiler('mkdir -p dist.new && cp src/main.ts dist.new/main.js');
  expect(await build()).toBe(0);
  expect(await readFile(join(project, 'dist/main.js'), 'utf8')).toBe('two');
});
