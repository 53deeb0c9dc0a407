import { createHash, randomUUID } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { run } from '../../src/core/host/index.js';
import { errnoOf } from '../../src/core/values/index.js';

const ROOT = resolve(import.meta.dirname, '../..');
const TARGET = join(ROOT, 'build/test-dist');
/** Older builds go once nothing that was started from them can still be running. */
const KEEP_OLD_BUILDS_MS = 60 * 60 * 1000;

interface Build {
  readonly project: string;
  /** What it is made of. */
  readonly roots: readonly string[];
}

const SOURCE: Build = { project: 'tsconfig.build.json', roots: ['src'] };
const SUPPORT: Build = { project: 'tsconfig.support.json', roots: ['src', 'test/support'] };
const WINDOWS: Build = {
  project: 'tsconfig.windows.json',
  roots: ['src', 'test/support', 'test/contract', 'test/windows', 'bench/pipe'],
};

const thisRun = new Map<Build, Promise<string>>();

/**
 * The absolute path of a folder with `src` compiled to JavaScript, for programs that must run outside the test's own
 * process: in a network namespace, as a daemon, under Wine. `<folder>/core/values/index.js` is importable as it stands.
 *
 * The folder is named by the sources' content (`build/test-dist/<hash>`), so an unchanged tree is compiled once and
 * several test runs never write into one another's build. Types are not checked here: `tsc --noEmit` does that.
 */
export function compiledSource(): Promise<string> {
  return compiledOnce(SOURCE);
}

/** Likewise with `test/support`: `<folder>/src` and `<folder>/test/support`. */
export function compiledSupport(): Promise<string> {
  return compiledOnce(SUPPORT);
}

/** Likewise with `test/windows/inside`, which runs in node.exe. */
export function compiledWindowsTests(): Promise<string> {
  return compiledOnce(WINDOWS);
}

function compiledOnce(build: Build): Promise<string> {
  const compiled = thisRun.get(build) ?? compile(build);
  thisRun.set(build, compiled);
  return compiled;
}

async function compile(build: Build): Promise<string> {
  for (;;) {
    const hash = await hashOfSources(build);
    const folder = join(TARGET, hash);
    if ((await exists(folder)) && (await exists(join(TARGET, 'package.json')))) return folder;
    const temporary = `${folder}.${randomUUID()}.tmp`;
    await mkdir(TARGET, { recursive: true });
    // The program reads its version there.
    await copyFile(join(ROOT, 'package.json'), join(TARGET, 'package.json'));
    try {
      const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
      const project = join(ROOT, build.project);
      await run(process.execPath, [tsc, '-p', project, '--noCheck', '--outDir', temporary], {
        timeoutMs: 120_000,
      });
      // A program reads its version there: src/ has the file above it in the second build.
      await copyFile(join(ROOT, 'package.json'), join(temporary, 'package.json'));
      // A file was saved meanwhile: this build would get the wrong name.
      if ((await hashOfSources(build)) !== hash) continue;
      await renameUnlessThere(temporary, folder);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
    await removeOldBuilds(hash);
    return folder;
  }
}

async function hashOfSources({ project, roots }: Build): Promise<string> {
  const hash = createHash('sha256');
  const files: string[] = [];
  for (const root of roots) {
    const entries = await readdir(join(ROOT, root), { recursive: true, withFileTypes: true });
    for (const entry of entries) if (entry.isFile()) files.push(join(entry.parentPath, entry.name));
  }
  for (const file of [...files.sort(), join(ROOT, project), join(ROOT, 'tsconfig.json')]) {
    hash.update(`${file}\0`).update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 16);
}

async function renameUnlessThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!['EEXIST', 'ENOTEMPTY'].includes(errnoOf(error) ?? '')) throw error;
  }
}

async function removeOldBuilds(current: string): Promise<void> {
  for (const name of await readdir(TARGET)) {
    const path = join(TARGET, name);
    // Another run may be clearing up as well: what is gone is not old.
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
    const isOld = Date.now() - mtimeMs > KEEP_OLD_BUILDS_MS;
    if (name !== current && isOld) await rm(path, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
