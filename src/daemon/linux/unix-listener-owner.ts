import { run } from '../../core/host/index.js';

export interface SocketOwner {
  readonly program: string;
  readonly pid: number;
}

/**
 * Finds the process that listens on a socket file; undefined if that is unknown, since it only serves a
 * message. The file is identified by its inode: `ss` lists a socket that was moved under the name it was
 * bound to.
 */
export async function socketOwner(
  file: { readonly ino: number },
  signal: AbortSignal,
): Promise<SocketOwner | undefined> {
  try {
    // -x unix sockets, -l listening, -p processes, -e inode of the file, -H no header line:
    // https://man7.org/linux/man-pages/man8/ss.8.html
    const { stdout } = await run('ss', ['-xlpeH'], { signal, timeoutMs: 5_000 });
    return parseOwner(stdout, file.ino);
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/**
 * Finds the line with `ino:N` in the output of `ss -xlpeH` and reads `users:(("dockerd",pid=7,fd=4))` from
 * it.
 */
export function parseOwner(listing: string, ino: number): SocketOwner | undefined {
  const line = listing.split('\n').find((candidate) => candidate.includes(` ino:${ino} `));
  const [, program, pid] = /users:\(\("([^"]*)",pid=(\d+)/.exec(line ?? '') ?? [];
  return program === undefined || pid === undefined ? undefined : { program, pid: Number(pid) };
}
