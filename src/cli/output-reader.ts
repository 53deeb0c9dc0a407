import { fstatSync } from 'node:fs';
import { startProgram } from '../core/host/index.js';
import type { HostPlatform } from '../protocol/platform.js';

/** Watches whether our output still has a reader. @returns ends the watch */
export type WatchReader = (
  stream: NodeJS.WritableStream & { readonly fd?: number },
  onGone: () => void,
) => () => void;

const PROBE_EVERY_MS = 200;
const NOTHING = new Uint8Array(0);
/** 128 plus the number of SIGPIPE. */
const ENDED_BY_SIGPIPE = 141;

/**
 * Node.js notices a closed reader only when it writes, so `mobyvm logs --follow | head -1` would stay until the next
 * line comes. Sockets report it for a write of zero bytes, which sends nothing. Pipes take such a write and say
 * nothing; poll(2) would tell, but Node.js has no way to ask. GNU `tail` does, for its standard output, and ends by
 * SIGPIPE: https://www.gnu.org/software/coreutils/manual/html_node/tail-invocation.html. Where there is no such `tail`
 * the next line finds out.
 */
export function watchOutputReader(platform: HostPlatform, ownPid: number): WatchReader {
  return (stream, onGone) => {
    // PATH may hold any `tail` there.
    if (platform === 'windows') return () => undefined;
    const kind = statOf(stream.fd);
    if (kind?.isSocket() === true) {
      const probes = setInterval(() => void stream.write(NOTHING), PROBE_EVERY_MS);
      return () => clearInterval(probes);
    }
    return kind?.isFIFO() === true ? watchPipe(ownPid, onGone) : () => undefined;
  };
}

function watchPipe(ownPid: number, onGone: () => void): () => void {
  const args = ['--follow', `--sleep-interval=${PROBE_EVERY_MS / 1_000}`, `--pid=${ownPid}`, '/dev/null'];
  let isOver = false;
  const watcher = startProgram('tail', args, { output: 'inherit stdout' });
  void watcher
    .then((tail) => tail.end())
    .then((exitCode) => {
      if (exitCode === ENDED_BY_SIGPIPE && !isOver) onGone();
    })
    .catch(() => undefined);
  return () => {
    isOver = true;
    void watcher.then((tail) => tail.signal('SIGKILL')).catch(() => undefined);
  };
}

function statOf(fd: number | undefined): ReturnType<typeof fstatSync> | undefined {
  try {
    return fd === undefined ? undefined : fstatSync(fd);
  } catch {
    return undefined;
  }
}
