import { createHash, randomUUID } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { run } from '../../src/core/host/index.js';
import { errnoOf } from '../../src/core/values/index.js';

const ROOT = resolve(import.meta.dirname, '../..');
const TARGET = join(ROOT, 'build/test-dist');
/** Older builds go once nothing that was started from them can still be running. */
const KEEP_OLD_BUILDS_MS = 60 * 60 * 1000;

let thisRun: Promise<string> | undefined;

/**
 * The absolute path of a folder with `src` compiled to JavaScript, for programs that must run outside the test's own
 * process: in a network namespace, as a daemon, under Wine. `<folder>/core/values/index.js` is importable as it stands.
 *
 * The folder is named by the sources' content (`build/test-dist/<hash>`), so an unchanged tree is compiled once and
 * several test runs never write into one another's build. Types are not checked here: `tsc --noEmit` does that.
 */
export function compiledSource(): Promise<string> {
  thisRun ??= compile();
  return thisRun;
}

async function compile(): Promise<string> {
  for (;;) {
    const hash = await hashOfSources();
    const folder = join(TARGET, hash);
    if ((await exists(folder)) && (await exists(join(TARGET, 'package.json')))) return folder;
    const temporary = `${folder}.${randomUUID()}.tmp`;
    await mkdir(TARGET, { recursive: true });
    // The program reads its version there.
    await copyFile(join(ROOT, 'package.json'), join(TARGET, 'package.json'));
    try {
      const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
      const project = join(ROOT, 'tsconfig.build.json');
      await run(process.execPath, [tsc, '-p', project, '--noCheck', '--outDir', temporary], {
        timeoutMs: 120_000,
      });
      // A file was saved meanwhile: this build would get the wrong name.
      if ((await hashOfSources()) !== hash) continue;
      await renameUnlessThere(temporary, folder);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
    await removeOldBuilds(hash);
    return folder;
  }
}

async function hashOfSources(): Promise<string> {
  const hash = createHash('sha256');
  const entries = await readdir(join(ROOT, 'src'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of [...files.sort(), join(ROOT, 'tsconfig.build.json'), join(ROOT, 'tsconfig.json')]) {
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
