import { spawn } from 'node:child_process';

export interface FollowedProgram {
  /** Resolves when the program has ended. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

/** A line that is longer is cut: nothing that is followed prints one. */
const MAX_LINE_CHARS = 64 * 1024;

/**
 * The program ends when this process does, even when that is killed: a shell waits for the end of its input, of which
 * nobody else has the other side. It lets go of the output, whose end then means that the program has ended.
 */
const GUARD = '"$@" & exec >&-; read -r _; kill "$!"';

/** Starts a program on a POSIX host that prints a line whenever something happens. */
export function followProgram(
  [program, ...args]: readonly [string, ...string[]],
  onLine: (line: string) => void,
): FollowedProgram {
  const child = spawn('/bin/sh', ['-c', GUARD, 'sh', program, ...args], {
    // Neither Ctrl-C in our terminal nor our group's signals may end the shell before its program.
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.unref();
  // The shell may be gone before us.
  child.stdin.on('error', () => undefined);
  const end = (): void => void child.stdin.end();
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  let partial = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => {
    const lines = (partial + chunk).split('\n');
    partial = (lines.pop() ?? '').slice(-MAX_LINE_CHARS);
    lines.forEach(onLine);
  });
  child.stdout.once('end', end);
  return {
    ended,
    close: async () => {
      end();
      await ended;
    },
  };
}
