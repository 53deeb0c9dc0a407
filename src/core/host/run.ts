import { spawn, type ChildProcess } from 'node:child_process';
import { openSync, closeSync } from 'node:fs';
import { constants } from 'node:os';
import { errnoOf, MobyvmError } from '../values/index.js';
import { fileMode } from './file-access.js';

export interface RunOptions {
  /** Written to the program's standard input, which is then closed. */
  readonly input?: string | Uint8Array;
  /** Milliseconds after which the program is killed; defaults to 30,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly cwd?: string;
  /** Replaces the environment; by default the program inherits ours. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Exit codes that count as success; defaults to 0 only. */
  readonly acceptExitCodes?: readonly number[];
  /** Texts that are replaced by `***` in error messages. Pass secrets in `input`, never in `args`. */
  readonly secrets?: readonly string[];
  /** Called for each complete line of standard output and standard error as it arrives. */
  readonly onLine?: (line: string) => void;
}

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
  readonly durationMs: number;
}

/**
 * The most text kept of each stream; the rest is read and dropped, so that a chatty program cannot use up
 * memory.
 */
const MAX_OUTPUT_CHARS = 8 * 1024 * 1024;

/** How long a program may keep running after SIGTERM before it gets SIGKILL. */
const KILL_AFTER_MS = 2_000;

/** How long output is still read after the program has exited. */
const DRAIN_MS = 5_000;

/**
 * Runs a program to completion, with an argument list and never through a shell.
 * @throws MobyvmError MOBYVM_PROGRAM_MISSING, MOBYVM_PROGRAM_TIMEOUT or MOBYVM_PROGRAM_FAILED; the signal's
 * reason when aborted
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
  // A program may exit before it has read its input (EPIPE); its exit code tells whether that is a failure.
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
  if ('error' in outcome) throw startError(failure, outcome.error);
  if (deadline.signal.aborted)
    throw programError(failure, 'MOBYVM_PROGRAM_TIMEOUT', `timed out after ${timeoutMs / 1000} s`);
  const { exitCode, signalName } = outcome;
  if (exitCode === null || !(options.acceptExitCodes ?? [0]).includes(exitCode)) {
    throw programError(
      failure,
      'MOBYVM_PROGRAM_FAILED',
      exitCode === null ? `was killed by ${signalName}` : `failed with exit code ${exitCode}`,
    );
  }
  return { stdout: stdout(), stderr: stderr(), exitCode, durationMs: performance.now() - startedMs };
}

export interface StartOptions {
  /**
   * Where the program's output goes: to the end of a file, or to our own standard output and standard error. With
   * `inherit stdout` its standard error is dropped.
   */
  readonly output: { readonly file: string } | 'inherit' | 'inherit stdout';
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
  const { output } = options;
  const file = typeof output === 'string' ? undefined : openSync(output.file, 'a', fileMode('owner'));
  try {
    const child = spawn(program, args, {
      detached: true,
      windowsHide: true,
      env: options.env === undefined ? undefined : { ...options.env },
      stdio: ['ignore', file ?? 'inherit', output === 'inherit stdout' ? 'ignore' : (file ?? 'inherit')],
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
        reject(startError({ program, args, options: {}, stderr: '', outcome: { error } }, error)),
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
      // A child that the program left running may keep the streams open indefinitely.
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

function startError(failure: Failure, error: Error): MobyvmError {
  if (errnoOf(error) === 'ENOENT') {
    return new MobyvmError(
      'MOBYVM_PROGRAM_MISSING',
      `The program "${failure.program}" was not found.`,
      `Install the package that provides "${failure.program}", or add it to PATH.`,
      { cause: error, details: { program: failure.program } },
    );
  }
  return programError(failure, 'MOBYVM_PROGRAM_FAILED', `could not be started: ${error.message}`);
}

function programError(
  failure: Failure,
  code: 'MOBYVM_PROGRAM_FAILED' | 'MOBYVM_PROGRAM_TIMEOUT',
  problem: string,
): MobyvmError {
  const lastLines = failure.stderr.trim().split('\n').slice(-4).join('\n');
  const command = [failure.program, ...failure.args].join(' ');
  const text = `"${command}" ${problem}${lastLines === '' ? '' : `: ${lastLines}`}`;
  return new MobyvmError(
    code,
    masked(text, failure.options.secrets ?? []),
    "See the program's own error message.",
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
