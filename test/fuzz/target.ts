import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** One codec under fuzz. Each file in `targets/` exports one as `target`. */
export interface FuzzTarget {
  /** As given on the command line; also the folder of its seeds in `test/fuzz/corpus`. */
  readonly name: string;
  /** Strings that mutations insert, one character per byte. */
  readonly tokens: readonly string[];
  /** Throws if the codec misbehaves. Errors that the codec documents are caught here and are no failure. */
  readonly run: (input: Buffer) => void;
}

/** Returns all targets, by name. `folder` is `test/fuzz/targets`, compiled or not. */
export async function fuzzTargets(folder = join(import.meta.dirname, 'targets')): Promise<FuzzTarget[]> {
  const files = (await readdir(folder)).filter((name) => /\.[jt]s$/.test(name) && !name.endsWith('.d.ts'));
  const targets = files.map(async (name) => {
    const module = (await import(pathToFileURL(join(folder, name)).href)) as { readonly target: FuzzTarget };
    return module.target;
  });
  return (await Promise.all(targets)).sort((a, b) => a.name.localeCompare(b.name));
}

/** Reads the seeds of a target. `root` is the project's folder. */
export async function corpusOf(name: string, root: string): Promise<readonly Buffer[]> {
  const folder = join(root, 'test/fuzz/corpus', name);
  const files = (await readdir(folder)).sort();
  return Promise.all(files.map((file) => readFile(join(folder, file))));
}
