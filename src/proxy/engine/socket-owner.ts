import { run } from '../../core/host/index.js';

export interface SocketOwner {
  readonly program: string;
  readonly pid: number;
}

/**
 * The process that listens on a socket file, or undefined if it cannot be told: it is only for a message. The file is
 * looked for by its inode, since a socket that was moved is listed under its old name.
 */
export async function socketOwner(
  file: { readonly ino: number },
  signal: AbortSignal,
): Promise<SocketOwner | undefined> {
  try {
    // -x unix, -l listening, -p processes, -e inode of the file, -H no heading: ss(8).
    const { stdout } = await run('ss', ['-xlpeH'], { signal, timeoutMs: 5_000 });
    return parseOwner(stdout, file.ino);
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** Finds the line with `ino:N` in `ss -xlpeH` and reads `users:(("dockerd",pid=7,fd=4))` from it. */
export function parseOwner(listing: string, ino: number): SocketOwner | undefined {
  const line = listing.split('\n').find((candidate) => candidate.includes(` ino:${ino} `));
  const [, program, pid] = /users:\(\("([^"]*)",pid=(\d+)/.exec(line ?? '') ?? [];
  return program === undefined || pid === undefined ? undefined : { program, pid: Number(pid) };
}
