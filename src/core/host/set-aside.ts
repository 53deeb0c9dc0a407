import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from '../values/index.js';
import { removeFile, renameFile } from './atomic-file.js';

/** A file that could not be read and was renamed, so that nothing is lost. */
export interface SetAside {
  /** What it was called. */
  readonly name: string;
  /** Where it is now. */
  readonly keptAs: string;
}

/** Of each file. */
const MOST_KEPT = 3;

/** Windows allows no colons in names. */
const SET_ASIDE = /^(.+)\.unreadable-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z$/;

export function isSetAside(name: string): boolean {
  return SET_ASIDE.test(name);
}

/**
 * Renames a file that cannot be read to NAME.unreadable-TIME, and deletes the oldest if there are more than three of it.
 * @returns its new path
 */
export async function setAside(path: string, now = new Date()): Promise<string> {
  const keptAs = `${path}.unreadable-${now.toISOString().replaceAll(/[:.]/g, '-')}`;
  await renameFile(path, keptAs);
  const kept = (await setAsideIn(dirname(path))).filter(({ name }) => name === basename(path));
  for (const { keptAs: old } of kept.slice(0, -MOST_KEPT)) await removeFile(old);
  return keptAs;
}

/** What was set aside in a folder, the oldest of each file first. None if the folder cannot be read. */
export async function setAsideIn(folder: string): Promise<readonly SetAside[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (errnoOf(error) === undefined) throw error;
    return [];
  });
  return names.sort().flatMap((each) => {
    const name = SET_ASIDE.exec(each)?.[1];
    return name === undefined ? [] : [{ name, keptAs: join(folder, each) }];
  });
}
