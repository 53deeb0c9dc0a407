import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Spells names below a folder as they are in its file system, where one that ignores case would find them: an exact match
 * comes first. From the first name on that is not there, they stay as they are.
 * @param keepsCase the file system itself takes only the exact spelling, as on Linux: a name that is there is spelled right
 */
export async function spelledOnHost(
  root: string,
  names: readonly string[],
  keepsCase: boolean,
): Promise<readonly string[]> {
  const spelled: string[] = [];
  for (const name of names) {
    const found = await spelling(join(root, ...spelled), name, keepsCase);
    if (found === undefined) break;
    spelled.push(found);
  }
  return [...spelled, ...names.slice(spelled.length)];
}

async function spelling(folder: string, name: string, keepsCase: boolean): Promise<string | undefined> {
  try {
    if (keepsCase && (await isThere(join(folder, name)))) return name;
    const names = await readdir(folder);
    if (names.includes(name)) return name;
    const folded = name.toLowerCase();
    return names.sort().find((each) => each.toLowerCase() === folded);
  } catch {
    // Not a folder, or not to be read: the engine says what is wrong with the path.
    return undefined;
  }
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
