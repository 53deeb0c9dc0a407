import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileMode, run } from '../../../core/host/index.js';
import {
  decodeListing,
  encodeCommands,
  type NftCommand,
  type NftListing,
  type NftTableName,
} from './nft.codec.js';

/** One table with its chains and rules, or undefined if it does not exist. */
export async function listTable(
  { family, name }: NftTableName,
  signal?: AbortSignal,
): Promise<NftListing | undefined> {
  const { tables } = await listNft(['tables'], signal);
  if (!tables.some((table) => table.family === family && table.name === name)) return undefined;
  return listNft(['table', family, name], signal);
}

/** `nft -j list <what>`. */
export async function listNft(what: readonly string[], signal?: AbortSignal): Promise<NftListing> {
  const { stdout } = await run('nft', ['-j', 'list', ...what], signal === undefined ? {} : { signal });
  return decodeListing(stdout);
}

/**
 * Applies all commands or none. Takes no signal: see `changeIp`. Passes a file, because `nft -f -` opens
 * /dev/stdin, which under Node is a socket and cannot be opened.
 */
export async function changeNft(commands: readonly NftCommand[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-nft-'));
  try {
    const file = join(folder, 'commands.json');
    await writeFile(file, encodeCommands(commands), { mode: fileMode('owner') });
    await run('nft', ['-j', '-f', file]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
