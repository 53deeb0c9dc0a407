import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from '../../../src/core/host/index.js';
import type { Instance } from '../instance.js';

/** Programs of this host with the libraries that they need. */
const PROGRAMS = ['/usr/bin/git', '/usr/bin/sqlite3'];
/** What git starts by that name. */
const GIT_COMMANDS = ['git-upload-pack', 'git-receive-pack'];

export interface MoreTools {
  readonly programs: readonly string[];
  /** Copied as they are, to the same place. */
  readonly folders: readonly string[];
}

/** An image with all applets of busybox, git and sqlite3. */
export async function makeToolImage(
  instance: Instance,
  name: string,
  { programs, folders }: MoreTools = { programs: [], folders: [] },
): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'mobyvm-tools-'));
  const archive = `${root}.tar`;
  try {
    for (const folder of ['bin', 'tmp', 'usr/bin', 'usr/lib/git-core', 'root'])
      await mkdir(join(root, folder), { recursive: true });
    await cp('/bin/busybox', join(root, 'bin/busybox'));
    const applets = (await run('/bin/busybox', ['--list'])).stdout.trim().split('\n');
    for (const applet of applets)
      if (applet !== 'busybox') await symlink('busybox', join(root, 'bin', applet));
    for (const program of [...PROGRAMS, ...programs]) await copyProgram(root, program);
    for (const path of folders) await cp(path, join(root, path), { recursive: true });
    for (const command of GIT_COMMANDS)
      await symlink('/usr/bin/git', join(root, 'usr/lib/git-core', command));
    await run('tar', ['-C', root, '-cf', archive, '.']);
    await instance.docker(['import', '-c', 'ENV HOME=/root', '-c', 'CMD ["sh"]', archive, name], {
      timeoutMs: 600_000,
    });
  } finally {
    await rm(root, { recursive: true });
    await rm(archive, { force: true });
  }
}

/** A program of this host with its libraries and the loader, each in its place below another root. */
export async function copyProgram(root: string, program: string): Promise<void> {
  for (const file of await filesOf(program)) await copyInto(root, file);
}

/** The program, its libraries and the loader, as ldd lists them. */
async function filesOf(program: string): Promise<readonly string[]> {
  const { stdout } = await run('ldd', [program]);
  return [program, ...[...stdout.matchAll(/(\/[^ ()]+) \(0x/g)].flatMap(([, path]) => path ?? [])];
}

async function copyInto(root: string, file: string): Promise<void> {
  await mkdir(join(root, dirname(file)), { recursive: true });
  await cp(file, join(root, file), { dereference: true });
}
