import { readFile, writeFile } from 'node:fs/promises';
import { errnoOf } from '../../../core/values/index.js';

/**
 * A kernel setting of the current network namespace, for example `['ipv4', 'ip_forward']`; undefined if the
 * kernel does not have it (no IPv6). A list, because interface names may contain dots.
 */
export async function readSysctl(name: readonly string[]): Promise<string | undefined> {
  try {
    return (await readFile(pathOf(name), 'utf8')).trim();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export async function writeSysctl(name: readonly string[], value: string): Promise<void> {
  await writeFile(pathOf(name), `${value}\n`);
}

function pathOf(name: readonly string[]): string {
  return `/proc/sys/net/${name.join('/')}`;
}
