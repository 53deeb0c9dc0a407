import { readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import {
  makeFolder,
  posixProtection,
  readFileIfPresent,
  writeFileAtomically,
} from '../../core/host/index.js';
import { errnoOf } from '../../core/values/index.js';
import { sambaFolders } from './samba-paths.js';
import type { SambaPaths } from './smb-conf.plan.js';

/** What smbd reads, as text, and where its links lead. */
export interface ServerFiles {
  readonly config: string;
  readonly passwords: string;
  readonly userMap: string;
  /** Share name → path on the host. */
  readonly links: Readonly<Record<string, string>>;
}

export async function readServerFiles(paths: SambaPaths): Promise<ServerFiles> {
  const [config, passwords, userMap, links] = await Promise.all([
    readFileIfPresent(paths.config),
    readFileIfPresent(paths.passwords),
    readFileIfPresent(paths.userMap),
    readLinks(paths.links),
  ]);
  return { config: config ?? '', passwords: passwords ?? '', userMap: userMap ?? '', links };
}

/** The configuration comes last: whoever reads it finds what it names. */
export async function writeServerFiles(paths: SambaPaths, files: ServerFiles): Promise<void> {
  await makeFolder(paths.folder, 'owner');
  await posixProtection.folder(paths.folder, 'private');
  for (const folder of sambaFolders(paths)) await makeFolder(folder, 'owner');
  const before = await readLinks(paths.links);
  for (const [name, path] of Object.entries(files.links)) {
    if (before[name] !== path) await replaceLink(join(paths.links, name), path);
  }
  await writeFileAtomically(paths.passwords, files.passwords);
  await writeFileAtomically(paths.userMap, files.userMap);
  await writeFileAtomically(paths.config, files.config);
  for (const name of Object.keys(before)) {
    if (!(name in files.links)) await rm(join(paths.links, name), { force: true });
  }
}

async function readLinks(folder: string): Promise<Readonly<Record<string, string>>> {
  try {
    const names = await readdir(folder);
    const entries = await Promise.all(
      names.map(async (name) => [name, await readlink(join(folder, name))] as const),
    );
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return {};
    throw error;
  }
}

async function replaceLink(link: string, target: string): Promise<void> {
  const temporary = `${link}.new`;
  await rm(temporary, { force: true });
  await symlink(target, temporary);
  await rename(temporary, link);
}
