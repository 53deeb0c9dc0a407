import { chmod, chown, lstat, mkdtemp, rm, rename, rmdir } from 'node:fs/promises';
import { once } from 'node:events';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { type Logger, makeFolder, readFileIfPresent } from '../../core/host/index.js';
import { errnoOf, MobyvmError } from '../../core/values/index.js';
import { findGroupId } from './group-file.codec.js';
import { socketOwner } from './socket-owner.js';

/** `sockaddr_un.sun_path` holds 108 bytes with its NUL, unix(7). */
const MAX_PATH_BYTES = 107;

/** A unix socket's file, prepared where nobody can reach it and then moved to where clients look. */
export interface PreparedSocket {
  /** To bind and listen on: inside a folder that only we may enter. */
  readonly bindPath: string;
  /** Gives the bound socket its group and mode and puts it in place, over a dead one. */
  publish(): Promise<PublishedSocket>;
  /** Removes what was prepared; harmless after `publish`. */
  discard(): Promise<void>;
}

export interface PublishedSocket {
  /** False when somebody has deleted the file, or put another in its place. */
  isThere(): Promise<boolean>;
  /** Removes the file, if it is still ours. */
  remove(): Promise<void>;
}

export interface SocketPlace {
  readonly path: string;
  /** Members of this group may connect; if there is no such group, only the owner and root. */
  readonly groupName: string;
  readonly logger: Logger;
}

/**
 * Makes ready for a socket at `path`: bound first in a folder of mode 0700, so that it is never open wider than meant,
 * not even between bind and chmod, and without touching the process-wide umask.
 * @throws MobyvmError MOBYVM_ENDPOINT_IN_USE when something listens there, MOBYVM_FOREIGN_OBJECT when a file that is
 *   no socket is there, MOBYVM_SETTINGS when the path is too long
 */
export async function prepareSocket(place: SocketPlace, signal: AbortSignal): Promise<PreparedSocket> {
  const { path } = place;
  // As long as the longest path that we bind: mkdtemp adds six characters.
  assertFits(path, join(dirname(path), '.XXXXXX', 's'));
  await makeFolder(dirname(path));
  await assertFree(path, signal);
  const folder = await mkdtemp(`${dirname(path)}/.`);
  const bindPath = join(folder, 's');
  return {
    bindPath,
    async publish() {
      await restrict(bindPath, place);
      const { dev, ino } = await lstat(bindPath);
      // Someone may have come while we were binding.
      await assertFree(path, signal);
      await rename(bindPath, path);
      await rmdir(folder);
      const isThere = async (): Promise<boolean> => {
        const now = await statIfPresent(path);
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

/** 0660 with the group. Without it a plain user's socket is 0600, since his own group may hold anyone. */
async function restrict(file: string, { path, groupName, logger }: SocketPlace): Promise<void> {
  const gid = findGroupId((await readFileIfPresent('/etc/group')) ?? '', groupName);
  const uid = process.getuid?.() ?? 0;
  if (gid === undefined) return chmod(file, uid === 0 ? 0o660 : 0o600);
  try {
    await chown(file, uid, gid);
    await chmod(file, 0o660);
  } catch (error) {
    if (errnoOf(error) !== 'EPERM') throw error;
    logger.warn('engine.endpoint.group-denied', { path, group: groupName });
    await chmod(file, 0o600);
  }
}

function assertFits(path: string, bindPath: string): void {
  const bytes = Math.max(Buffer.byteLength(path), Buffer.byteLength(bindPath));
  if (bytes <= MAX_PATH_BYTES) return;
  throw new MobyvmError(
    'MOBYVM_SETTINGS',
    `The path of the engine's socket, "${path}", needs ${bytes} bytes; a unix socket's may have ${MAX_PATH_BYTES}.`,
    'Choose a shorter folder for it (MOBYVM_RUN_DIR).',
    { details: { path, bytes } },
  );
}

async function assertFree(path: string, signal: AbortSignal): Promise<void> {
  const found = await statIfPresent(path);
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new MobyvmError(
      'MOBYVM_FOREIGN_OBJECT',
      `"${path}" exists and is not a socket.`,
      `Move it away: the Docker Engine's socket must stand there.`,
      { details: { path } },
    );
  }
  if (!(await isAnswered(path, signal))) return;
  const owner = await socketOwner(found, signal);
  throw new MobyvmError(
    'MOBYVM_ENDPOINT_IN_USE',
    `"${path}" is in use: ${owner === undefined ? 'a program' : `${owner.program} (pid ${owner.pid})`} listens there.`,
    'End that program, or use another folder for the socket (MOBYVM_RUN_DIR).',
    { details: { path, ...owner } },
  );
}

/** False only if nobody listens: then the file is what a dead process left behind. */
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

async function statIfPresent(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
