import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostPlatform } from '../../protocol/platform.js';
import type { ShareOffers } from '../../protocol/share-messages.js';

/** What the offers are read from; the host's own file system unless a test gives another. */
export interface OfferedFiles {
  /** False as well if it cannot be looked at. */
  readonly isFolder: (path: string) => Promise<boolean>;
  /** Names in a folder; none if it cannot be read. */
  readonly namesIn: (path: string) => Promise<readonly string[]>;
}

/** A and B were floppy drives, and asking those takes seconds. */
const LETTERS = Array.from({ length: 24 }, (_, at) => String.fromCharCode('C'.charCodeAt(0) + at));
/** Where Linux keeps the folders of users. */
const HOMES = '/home';
const MAX_OFFERS = 50;

/** The drives of a Windows host; of a Linux host, which has none, the folders of its users. */
export async function shareOffers(
  platform: HostPlatform,
  files: OfferedFiles = HOST_FILES,
): Promise<ShareOffers> {
  const hasDrives = platform === 'windows';
  const candidates = hasDrives
    ? LETTERS.map((letter) => ({ name: letter, hostPath: `${letter}:\\` }))
    : (await files.namesIn(HOMES))
        .toSorted()
        .slice(0, MAX_OFFERS)
        .map((name) => join(HOMES, name))
        .map((path) => ({ name: path, hostPath: path }));
  const isThere = await Promise.all(candidates.map(({ hostPath }) => files.isFolder(hostPath)));
  return { hasDrives, offers: candidates.filter((_offer, at) => isThere[at]) };
}

const HOST_FILES: OfferedFiles = {
  isFolder: async (path) => (await stat(path).catch(() => undefined))?.isDirectory() ?? false,
  namesIn: (path) => readdir(path).catch(() => []),
};
