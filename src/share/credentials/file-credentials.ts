import { open, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { SerialQueue, StateFile } from '../../core/host/index.js';
import { errnoOf } from '../../core/values/index.js';
import type { CredentialStore } from '../credential-store.js';
import { checkPassword } from './passwords.js';

const CREDENTIALS_FILE = z.strictObject({
  version: z.literal(1),
  passwords: z.record(z.string().min(1).max(512), z.string().min(1).max(512)),
});

type Passwords = Readonly<Record<string, string>>;

/**
 * Passwords in a file that only root may read, replaced atomically. They are in clear: the VM needs them in clear,
 * and a key beside the file would open it for whoever can read the file. The old content is overwritten when one
 * changes; journals and snapshots of the file system may keep it longer.
 */
export function fileCredentials(path: string): CredentialStore {
  const file = new StateFile({
    path,
    schema: CREDENTIALS_FILE,
    isSecret: true,
    remedy: `Restore ${path} from a backup, or delete it and enter the passwords again (mobyvm share set-credentials).`,
  });
  const queue = new SerialQueue();
  const serialize = <T>(work: () => Promise<T>): Promise<T> => queue.run(work, new AbortController().signal);
  const read = async (): Promise<Passwords> => (await file.read())?.passwords ?? {};
  const replace = async (passwords: Passwords): Promise<void> => {
    await removeTemporaries(path);
    // Opened before it is replaced: afterwards, its blocks have no name.
    await using old = await openIfPresent(path);
    if (Object.keys(passwords).length > 0) await file.write({ version: 1, passwords });
    if (old !== undefined) await overwrite(old);
    if (Object.keys(passwords).length === 0) await file.remove();
  };
  return {
    read: (account) =>
      serialize(async () => {
        const passwords = await read();
        return Object.hasOwn(passwords, account) ? passwords[account] : undefined;
      }),
    write: async (account, password) => {
      checkPassword(password);
      await serialize(async () => {
        const passwords = await read();
        if (Object.hasOwn(passwords, account) && passwords[account] === password) return;
        await replace(Object.fromEntries([...Object.entries(passwords), [account, password]]));
      });
    },
    remove: (account) =>
      serialize(async () => {
        const passwords = await read();
        if (!Object.hasOwn(passwords, account)) return;
        await replace(Object.fromEntries(Object.entries(passwords).filter(([name]) => name !== account)));
      }),
    list: () => serialize(async () => Object.keys(await read()).sort()),
    setAsideIfUnreadable: () => serialize(() => file.setAsideIfUnreadable()),
  };
}

type OpenFile = Awaited<ReturnType<typeof open>>;

async function openIfPresent(path: string): Promise<OpenFile | undefined> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function overwrite(file: OpenFile): Promise<void> {
  const { size } = await file.stat();
  await file.write(Buffer.alloc(size), 0, size, 0);
  await file.sync();
}

/** What a daemon that was killed while it wrote left beside the file. */
async function removeTemporaries(path: string): Promise<void> {
  const names = await readdir(dirname(path)).catch(() => []);
  const temporaries = names.filter((name) => name.startsWith(`${basename(path)}.`) && name.endsWith('.tmp'));
  for (const name of temporaries) {
    const temporary = join(dirname(path), name);
    await using file = await openIfPresent(temporary);
    if (file !== undefined) await overwrite(file);
    await rm(temporary, { force: true });
  }
}
