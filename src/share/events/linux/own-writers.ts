import { readFileSync } from 'node:fs';

const MAX_REMEMBERED = 1_000;

/**
 * Tells the file server's processes by their parent, whose pid is in a file. What they write was asked for by the VM,
 * where its events have been raised already.
 */
export class OwnWriters {
  readonly #pidFile: string | undefined;
  #server: number | undefined;
  readonly #known = new Map<number, boolean>();
  /** Also after they have ended, as their last events come later. */
  readonly #own = new Set<number>();

  constructor(pidFile: string | undefined) {
    this.#pidFile = pidFile;
  }

  /** Before a batch of events: processes may have ended, and their numbers may belong to others. */
  refresh(): void {
    this.#known.clear();
    this.#server = this.#pidFile === undefined ? undefined : Number(readOrEmpty(this.#pidFile)) || undefined;
  }

  has(pid: number): boolean {
    if (this.#server === undefined || pid <= 0) return false;
    if (pid === this.#server) return true;
    let isOwn = this.#known.get(pid);
    if (isOwn === undefined) {
      const parent = parentOf(pid);
      isOwn = parent === undefined ? this.#own.has(pid) : parent === this.#server;
      this.#known.set(pid, isOwn);
      if (this.#own.size > MAX_REMEMBERED) this.#own.clear();
      if (isOwn) this.#own.add(pid);
      else this.#own.delete(pid);
    }
    return isOwn;
  }
}

/** proc_pid_stat(5): `PID (NAME) STATE PPID …`, where the name may contain anything. */
function parentOf(pid: number): number | undefined {
  const text = readOrEmpty(`/proc/${pid}/stat`);
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]) || undefined;
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
