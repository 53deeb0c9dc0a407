import { spawn, type ChildProcess } from 'node:child_process';
import { openSync, closeSync } from 'node:fs';
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

export interface DetachedOptions {
  /** Standard output and standard error go to the end of this file. */
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Starts a program that outlives us, in a session of its own, and returns its process id.
 * @throws MobyvmError MOBYVM_PROGRAM_MISSING
 */
export async function runDetached(
  program: string,
  args: readonly string[],
  options: DetachedOptions,
): Promise<number> {
  const output = openSync(options.logFile, 'a', 0o600);
  try {
    const child = spawn(program, args, {
      detached: true,
      env: options.env === undefined ? undefined : { ...options.env },
      stdio: ['ignore', output, output],
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) =>
        reject(notStarted({ program, args, options: {}, stderr: '', outcome: { error } }, error)),
      );
    });
    child.unref();
    return child.pid ?? 0;
  } finally {
    closeSync(output);
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
