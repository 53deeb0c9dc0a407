import { once } from 'node:events';
import type { Stats } from 'node:fs';
import { chmod, lchown, lstat, mkdtemp, rename, rm, rmdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import {
  fileAccessError,
  fileMode,
  makeFolder,
  readFileIfPresent,
  type LocalAccess,
  type Logger,
} from '../../core/host/index.js';
import { errnoOf, MobyvmError } from '../../core/values/index.js';
import { findGroupId } from './group-file.codec.js';
import { socketOwner } from './unix-listener-owner.js';

/**
 * `sun_path` has 108 bytes including the terminating NUL: https://man7.org/linux/man-pages/man7/unix.7.html.
 */
const MAX_PATH_BYTES = 107;
/** Connecting needs the right to write. */
const GROUP_MODE = 0o660;

/** A socket's file, prepared in a private folder and then moved to its address. */
export interface PreparedSocketFile {
  /** Where to bind: inside a folder that only we may enter. */
  readonly bindPath: string;
  /** Gives the bound socket its group and mode and moves it to its address, replacing a stale one. */
  publish(): Promise<SocketFile>;
  /** Removes what was prepared; harmless after `publish`. */
  discard(): Promise<void>;
}

export interface SocketFile {
  /** False if the file was deleted or replaced. */
  isThere(): Promise<boolean>;
  /** Removes the file if it is still ours. */
  remove(): Promise<void>;
}

export interface SocketFileOptions {
  readonly path: string;
  readonly access: LocalAccess;
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Prepares a socket for `path`. It is bound inside a folder of mode 0700 first, so that it is never more
 * accessible than it should be, not even between bind and chmod. The umask would do that too, but it applies
 * to the whole process: a file that another thread creates at that moment would get it as well. And libuv
 * unlinks a socket by the name it was bound to (uv__pipe_close in
 * https://github.com/libuv/libuv/blob/v1.x/src/unix/pipe.c), which would remove a file that another program
 * has put there since.
 * @throws MobyvmError as ListenLocally does
 */
export async function prepareSocketFile(options: SocketFileOptions): Promise<PreparedSocketFile> {
  const { path } = options;
  const signal = options.signal ?? new AbortController().signal;
  // mkdtemp appends six characters.
  assertFits(path, join(dirname(path), '.XXXXXX', 's'));
  await makeFolder(dirname(path));
  await assertFree(path, signal);
  const folder = await makePrivateFolder(dirname(path));
  const bindPath = join(folder, 's');
  return {
    bindPath,
    async publish() {
      await restrict(bindPath, options);
      const { dev, ino } = await lstat(bindPath);
      // Another program may have started to listen meanwhile.
      await assertFree(path, signal);
      await rename(bindPath, path);
      await rmdir(folder);
      const isThere = async (): Promise<boolean> => {
        const now = await lstatIfPresent(path);
        return now?.dev === dev && now.ino === ino;
      };
      return {
        isThere,
        async remove() {
          if (await isThere()) await rm(path, { force: true });
        },
      };
    },
    discard: () => rm(folder, { recursive: true, force: true }),
  };
}

async function makePrivateFolder(parent: string): Promise<string> {
  try {
    return await mkdtemp(`${parent}/.`);
  } catch (error) {
    throw fileAccessError(parent, error);
  }
}

/**
 * Mode 0600, or 0660 with the group. If there is no such group, root's socket still gets 0660, because root's
 * own group is as trusted as root; the group of an ordinary user may have other members, so his gets 0600.
 */
async function restrict(file: string, { path, access, logger }: SocketFileOptions): Promise<void> {
  if (access.kind === 'owner only') return chmod(file, fileMode('owner'));
  const gid = findGroupId((await readFileIfPresent('/etc/group')) ?? '', access.name);
  const uid = process.getuid?.() ?? 0;
  if (gid === undefined) return chmod(file, uid === 0 ? GROUP_MODE : fileMode('owner'));
  try {
    await lchown(file, uid, gid);
    await chmod(file, GROUP_MODE);
  } catch (error) {
    if (errnoOf(error) !== 'EPERM') throw error;
    logger.warn('listener.group.denied', { address: path, group: access.name });
    await chmod(file, fileMode('owner'));
  }
}

function assertFits(path: string, bindPath: string): void {
  const bytes = Math.max(Buffer.byteLength(path), Buffer.byteLength(bindPath));
  if (bytes <= MAX_PATH_BYTES) return;
  throw new MobyvmError(
    'MOBYVM_SETTINGS',
    `The path of the socket "${path}" is too long: ${bytes} bytes, at most ${MAX_PATH_BYTES} are allowed.`,
    'Choose a shorter folder for it (MOBYVM_RUN_DIR).',
    { details: { path, bytes } },
  );
}

async function assertFree(path: string, signal: AbortSignal): Promise<void> {
  const found = await lstatIfPresent(path);
  if (found === undefined) return;
  if (!found.isSocket()) throw notASocketError(path);
  if (!(await isAnswered(path, signal))) return;
  const owner = await socketOwner(found, signal);
  const program = owner === undefined ? 'another program' : `${owner.program} (pid ${owner.pid})`;
  throw new MobyvmError(
    'MOBYVM_ENDPOINT_IN_USE',
    `"${path}" is in use by ${program}.`,
    'Stop that program, or choose another folder for the socket (MOBYVM_RUN_DIR).',
    { details: { path, ...owner } },
  );
}

function notASocketError(path: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_FOREIGN_OBJECT',
    `"${path}" exists and is not a socket.`,
    'Move it away: mobyvm needs this path for its socket.',
    { details: { path } },
  );
}

/** False only if the file is stale: the process that listened has died. */
async function isAnswered(path: string, signal: AbortSignal): Promise<boolean> {
  const socket = connect({ path });
  try {
    await once(socket, 'connect', { signal });
    return true;
  } catch (error) {
    signal.throwIfAborted();
    const errno = errnoOf(error);
    return errno !== 'ECONNREFUSED' && errno !== 'ENOENT';
  } finally {
    socket.destroy();
  }
}

/** Does not follow symbolic links. */
async function lstatIfPresent(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
