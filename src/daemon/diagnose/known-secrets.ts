import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileIfPresent } from '../../core/host/index.js';
import type { DaemonContext } from '../daemon-context.js';
import { fileItemStore } from '../guest/index.js';

export type SecretSources = Pick<DaemonContext, 'paths' | 'files' | 'credentialsAt'>;

/** One line of a key's base64: shorter ones are not characteristic. */
const KEY_LINE = /^[A-Za-z0-9+/=]{24,}$/gm;

/**
 * The secrets of this machine, to find and replace them in what is collected. What this user may not read, the
 * collected files cannot have been read from either.
 */
export async function knownSecrets({
  paths,
  files,
  credentialsAt,
}: SecretSources): Promise<readonly string[]> {
  const { seal } = files;
  const opened = async (path: string): Promise<string> => {
    const text = await readFileIfPresent(path);
    return text === undefined ? '' : ((await seal.open(text)) ?? '');
  };
  const sources: readonly (() => Promise<readonly string[]>)[] = [
    async () => [(await opened(paths.tokenFile)).trim()],
    async () => {
      const { items } = await fileItemStore(paths.kvpItemsFile, seal).load();
      return items.filter(({ secret }) => secret === true).map(({ value }) => value);
    },
    async () => {
      const store = await credentialsAt(paths.credentialsFile);
      const passwords = await Promise.all((await store.list()).map((account) => store.read(account)));
      return passwords.filter((each) => each !== undefined);
    },
    async () => {
      const keys = (await readdir(paths.tlsDir)).filter((name) => /key/i.test(name));
      const texts = await Promise.all(keys.map((name) => opened(join(paths.tlsDir, name))));
      return texts.flatMap((text) => text.match(KEY_LINE) ?? []);
    },
  ];
  const found = await Promise.all(sources.map((source) => source().catch(() => [])));
  return [...new Set(found.flat())].filter((each) => each !== '');
}
