import { spawn, type ChildProcess } from 'node:child_process';
import { openSync, closeSync } from 'node:fs';
import { constants } from 'node:os';
import { errnoOf, MobyvmError } from '../values/index.js';

export interface RunOptions {
  /** Written to the program's standard input, which is then closed. */
  readonly input?: string | Uint8Array;
  /** The program is killed after this many milliseconds; 30,000 if absent. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly cwd?: string;
  /** Replaces the environment; if absent the program gets ours. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Exit codes that are no failure; only 0 if absent. */
  readonly acceptExitCodes?: readonly number[];
  /** Texts that never appear in an error message (they come out as `***`). Secrets belong in `input`, not in `args`. */
  readonly secrets?: readonly string[];
  /** Called for each complete line of standard output and standard error as it comes. */
  readonly onLine?: (line: string) => void;
}

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
  readonly durationMs: number;
}

/** The most text kept of each output; the rest is read and dropped, so a chatty program costs no memory. */
const MAX_OUTPUT_CHARS = 8 * 1024 * 1024;

/** After the polite signal, a program that does not end is killed. */
const KILL_AFTER_MS = 2_000;

/** How long the outputs of a program that has ended are still read. */
const DRAIN_MS = 5_000;

/**
 * Runs a program to its end: a list of arguments, never a shell.
 * @throws MobyvmError MOBYVM_PROGRAM_MISSING, MOBYVM_PROGRAM_TIMEOUT or MOBYVM_PROGRAM_FAILED; the signal's reason
 *   when aborted.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  options.signal?.throwIfAborted();
  const startedMs = performance.now();
  const timeoutMs = options.timeoutMs ?? 30_000;
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env === undefined ? undefined : { ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const stdout = collect(child.stdout, options.onLine);
  const stderr = collect(child.stderr, options.onLine);
  // A program that ends before it has read its input is no error of ours: its exit code tells.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');

  const deadline = new AbortController();
  const timer = setTimeout(() => {
    deadline.abort();
    terminate(child);
  }, timeoutMs);
  const onAbort = (): void => terminate(child);
  options.signal?.addEventListener('abort', onAbort, { once: true });
  const outcome = await ended(child).finally(() => {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onAbort);
  });
  options.signal?.throwIfAborted();

  const failure: Failure = { program, args, options, stderr: stderr(), outcome };
  if ('error' in outcome) throw notStarted(failure, outcome.error);
  if (deadline.signal.aborted)
    throw failed(failure, 'MOBYVM_PROGRAM_TIMEOUT', `did not end within ${timeoutMs / 1000} s`);
  const { exitCode, signalName } = outcome;
  if (exitCode === null || !(options.acceptExitCodes ?? [0]).includes(exitCode)) {
    throw failed(
      failure,
      'MOBYVM_PROGRAM_FAILED',
      exitCode === null ? `was ended by ${signalName}` : `ended with ${exitCode}`,
    );
  }
  return { stdout: stdout(), stderr: stderr(), exitCode, durationMs: performance.now() - startedMs };
}

export interface StartOptions {
  /** Where the program's output goes: to the end of a file, or to our own standard output and standard error. */
  readonly output: { readonly file: string } | 'inherit';
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A program that runs beside us and may outlive us. */
export interface StartedProgram {
  readonly pid: number;
  /** Undefined while it runs. A program that a signal ended has 128 plus the signal's number, as in a shell. */
  readonly exitCode: number | undefined;
  /** Waits for its end and resolves to its exit code. */
  end(): Promise<number>;
  /** Does nothing if it has ended. */
  signal(name: NodeJS.Signals): void;
}

/**
 * Starts a program in its own session, without a window on Windows, and doesn't wait for it. A terminal's Ctrl-C
 * doesn't reach it, and it doesn't keep us from exiting.
 * @throws MobyvmError MOBYVM_PROGRAM_MISSING
 */
export async function startProgram(
  program: string,
  args: readonly string[],
  options: StartOptions,
): Promise<StartedProgram> {
  const file = options.output === 'inherit' ? undefined : openSync(options.output.file, 'a', 0o600);
  try {
    const child = spawn(program, args, {
      detached: true,
      windowsHide: true,
      env: options.env === undefined ? undefined : { ...options.env },
      stdio: ['ignore', file ?? 'inherit', file ?? 'inherit'],
    });
    let exitCode: number | undefined;
    const ended = new Promise<number>((resolve) => {
      child.once('exit', (code, name) => {
        exitCode = code ?? 128 + (name === null ? 0 : constants.signals[name]);
        resolve(exitCode);
      });
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) =>
        reject(notStarted({ program, args, options: {}, stderr: '', outcome: { error } }, error)),
      );
    });
    child.unref();
    return {
      pid: child.pid ?? 0,
      get exitCode() {
        return exitCode;
      },
      end: () => {
        child.ref();
        return ended;
      },
      signal: (name) => void child.kill(name),
    };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

type Outcome =
  { readonly error: Error } | { readonly exitCode: number | null; readonly signalName: string | null };

interface Failure {
  readonly program: string;
  readonly args: readonly string[];
  readonly options: RunOptions;
  readonly stderr: string;
  readonly outcome: Outcome;
}

function ended(child: ChildProcess): Promise<Outcome> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ error }));
    child.once('close', (exitCode, signalName) => resolve({ exitCode, signalName }));
    child.once('exit', (exitCode, signalName) => {
      // What the program has left running may hold its outputs open for as long as it likes.
      setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        resolve({ exitCode, signalName });
      }, DRAIN_MS).unref();
    });
  });
}

function terminate(child: ChildProcess): void {
  child.kill('SIGTERM');
  setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS).unref();
}

function collect(stream: NodeJS.ReadableStream, onLine: RunOptions['onLine']): () => string {
  let text = '';
  let partial = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    if (text.length < MAX_OUTPUT_CHARS) text += chunk;
    if (onLine === undefined) return;
    const lines = (partial + chunk).split('\n');
    partial = (lines.pop() ?? '').slice(-MAX_OUTPUT_CHARS);
    lines.forEach(onLine);
  });
  return () => text;
}

function notStarted(failure: Failure, error: Error): MobyvmError {
  if (errnoOf(error) === 'ENOENT') {
    return new MobyvmError(
      'MOBYVM_PROGRAM_MISSING',
      `The program "${failure.program}" was not found.`,
      `Install the package that brings "${failure.program}", or put it on PATH.`,
      { cause: error, details: { program: failure.program } },
    );
  }
  return failed(failure, 'MOBYVM_PROGRAM_FAILED', `could not be started: ${error.message}`);
}

function failed(
  failure: Failure,
  code: 'MOBYVM_PROGRAM_FAILED' | 'MOBYVM_PROGRAM_TIMEOUT',
  problem: string,
): MobyvmError {
  const lastWords = failure.stderr.trim().split('\n').slice(-4).join('\n');
  const command = [failure.program, ...failure.args].join(' ');
  const text = `"${command}" ${problem}${lastWords === '' ? '' : `: ${lastWords}`}`;
  return new MobyvmError(
    code,
    masked(text, failure.options.secrets ?? []),
    'See the message of that program.',
    {
      details: {
        program: failure.program,
        ...('exitCode' in failure.outcome && failure.outcome.exitCode !== null
          ? { exitCode: failure.outcome.exitCode }
          : {}),
        stderr: masked(failure.stderr.slice(-2_000), failure.options.secrets ?? []),
      },
    },
  );
}

function masked(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret !== '')
    .reduce((all, secret) => all.replaceAll(secret, '***'), text);
}
