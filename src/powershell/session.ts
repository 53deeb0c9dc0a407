import { abortable, silentLogger, SerialQueue, type Logger } from '../core/host/index.js';
import { MobyvmError } from '../core/values/index.js';
import { decodeAnswer, type Answer } from './answer.codec.js';
import { cmdletEntry } from './cmdlets/index.js';
import { PowerShellError } from './power-shell-error.js';
import type { CallOptions, Fields, Pipeline, PowerShell, Query, Row } from './powershell.js';
import {
  ANSWER_MARK,
  GREETING,
  GREETING_WITHOUT_LANGUAGE,
  PREAMBLE,
  renderForLog,
  renderRequest,
} from './render.plan.js';
import { SecretSeal } from './seal-secret.js';
import { ShellProcess } from './shell-process.js';

export interface PowerShellSessionOptions {
  /** Absolute path of `powershell.exe` or `pwsh`, or a name on PATH. */
  readonly executable: string;
  readonly logger?: Logger;
  /** The whole environment of its process. */
  readonly env: NodeJS.ProcessEnv;
  /** How long a new process may take to answer the greeting; 60. The first one after a boot is slow. */
  readonly startSeconds?: number;
}

/** Version and mode of a session's PowerShell. */
export interface PowerShellIdentity {
  /** For example `5.1.22621.2506`. */
  readonly version: string;
  /** `Desktop` is Windows PowerShell, `Core` PowerShell 6 and later. */
  readonly edition: string;
  /** `FullLanguage`, or `ConstrainedLanguage` where a policy restricts scripts: mobyvm works in both. */
  readonly languageMode: string;
  /**
   * The effective one, for example `RemoteSigned`; empty when unknown. Windows' own modules load under any
   * policy.
   */
  readonly executionPolicy: string;
}

const DEFAULT_CALL_SECONDS = 30;
/** Added for the first call of a module's cmdlet, which loads the module. */
const MODULE_SECONDS = 60;
/** How long to wait for the answer to an aborted call, so that the next caller sees its effect. */
const ABANDONED_SECONDS = 30;
const MAX_ANSWER_CHARACTERS = 16 * 1024 * 1024;
const IDENTITY = { version: 'text', edition: 'text', languageMode: 'text', executionPolicy: 'text' } as const;
const UNKNOWN: PowerShellIdentity = { version: '', edition: '', languageMode: '', executionPolicy: '' };

/**
 * One long-lived PowerShell process that runs one call at a time, in order. A request is one line and so is
 * its answer, whatever else is printed around it. An aborted call returns at once, while the process
 * continues for the others. A process that does not answer in time, ends, or writes an endless line is
 * killed, and the next call starts a new one. The caller has to check what such a call has changed.
 */
export class PowerShellSession implements PowerShell {
  readonly #options: PowerShellSessionOptions;
  readonly #logger: Logger;
  readonly #turns = new SerialQueue();
  readonly #closed = new AbortController();
  #started: Started | undefined;
  #lastId = 0;

  constructor(options: PowerShellSessionOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
  }

  /** Of the current process; starts one if there is none. @throws MobyvmError MOBYVM_POWERSHELL_START */
  async identity({ signal }: CallOptions): Promise<PowerShellIdentity> {
    return this.#turn(async () => (await this.#start()).identity, signal);
  }

  /** @throws PowerShellError, MobyvmError MOBYVM_POWERSHELL, MOBYVM_POWERSHELL_START */
  async read<F extends Fields>(query: Query<F>, options: CallOptions): Promise<readonly Row<F>[]> {
    return this.#call(query.pipeline, query.fields, options);
  }

  async run(pipeline: Pipeline, options: CallOptions): Promise<void> {
    await this.#call(pipeline, undefined, options);
  }

  close(): Promise<void> {
    this.#closed.abort(closedError());
    this.#started?.process.kill();
    return Promise.resolve();
  }

  async #call<F extends Fields>(
    pipeline: Pipeline,
    fields: F | undefined,
    options: CallOptions,
  ): Promise<readonly Row<F>[]> {
    const answer = await this.#turn(async () => {
      const started = await this.#start();
      // A call that was aborted while it waited is not started.
      options.signal.throwIfAborted();
      return this.#ask(started, pipeline, fields, options);
    }, options.signal);
    if (answer.kind === 'failure') throw new PowerShellError(answer.failure);
    return answer.rows;
  }

  /** The work keeps its turn until it is over, even when its caller is aborted. */
  async #turn<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const either = AbortSignal.any([signal, this.#closed.signal]);
    either.throwIfAborted();
    return abortable(this.#turns.run(work, either), either);
  }

  async #ask<F extends Fields>(
    started: Started,
    pipeline: Pipeline,
    fields: F | undefined,
    { signal, timeoutSeconds = DEFAULT_CALL_SECONDS }: CallOptions,
  ): Promise<Answer<F>> {
    this.#lastId += 1;
    const id = this.#lastId;
    const secretText = (secret: string): string => started.seal.expressionFor(secret);
    const line = renderRequest(pipeline, fields, { id, secretText });
    const what = renderForLog(pipeline);
    const startedMs = performance.now();
    const seconds = timeoutSeconds + (started.takeModules(pipeline) ? MODULE_SECONDS : 0);
    const json = await started.ask(line, id, { signal, seconds, what });
    const decoded: Answer<F> = decodeAnswer(json, fields ?? ({} as F), (text) => started.seal.open(text));
    this.#logger.debug('powershell.call', {
      call: what,
      durationMs: Math.round(performance.now() - startedMs),
      outcome: decoded.kind,
      ...(decoded.kind === 'failure'
        ? { errorId: decoded.failure.errorId, hresult: decoded.failure.hresult }
        : {}),
    });
    return decoded;
  }

  /** Not aborted with the caller: the next ones need the process too. */
  async #start(): Promise<Started> {
    this.#closed.signal.throwIfAborted();
    if (this.#started?.isAlive === true) return this.#started;
    const { executable, env, startSeconds = 60 } = this.#options;
    const started = startedOrThrow(executable, env);
    this.#started = started;
    try {
      await started.greet({ signal: this.#closed.signal, seconds: startSeconds, what: 'its start' });
    } catch (error) {
      started.process.kill();
      if (error instanceof MobyvmError && error.code === 'MOBYVM_POWERSHELL_START') throw error;
      throw startError(executable, error);
    }
    this.#logger.info('powershell.started', { ...started.identity });
    return started;
  }
}

function startedOrThrow(executable: string, env: NodeJS.ProcessEnv): Started {
  try {
    return new Started(executable, env);
  } catch (error) {
    throw startError(executable, error);
  }
}

interface Patience {
  /**
   * Of the caller. After an abort the answer is still awaited for a while, to tell it apart from the next
   * one.
   */
  readonly signal: AbortSignal;
  readonly seconds: number;
  readonly what: string;
}

/** A process with its key, and the call that waits for its answer. */
class Started {
  readonly process: ShellProcess;
  readonly seal = new SecretSeal();
  isAlive = true;
  identity = UNKNOWN;
  readonly #modules = new Set<string>();
  #waiting: { readonly mark: string; resolve(json: string): void; reject(error: Error): void } | undefined;

  constructor(executable: string, env: NodeJS.ProcessEnv) {
    this.process = new ShellProcess({
      executable,
      // No colours in what is printed.
      env: { ...ownModules(executable, env), NO_COLOR: '1', TERM: 'dumb', ...this.seal.environment },
      maxLineLength: MAX_ANSWER_CHARACTERS,
      onLine: (line) => this.#take(line),
      onEnd: (reason) => {
        this.isAlive = false;
        this.#waiting?.reject(endedError(reason));
      },
    });
  }

  async greet(patience: Patience): Promise<void> {
    for (const line of PREAMBLE) this.process.write(line);
    const lines = `${GREETING}\n${GREETING_WITHOUT_LANGUAGE}`;
    const answer = decodeAnswer(await this.ask(lines, 0, patience), IDENTITY);
    if (answer.kind === 'failure') throw new PowerShellError(answer.failure);
    const { version = '', edition = '', languageMode = '', executionPolicy = '' } = answer.rows[0] ?? {};
    if (version === '') throw restrictedError();
    this.identity = { version, edition, languageMode, executionPolicy };
  }

  /** True when it is the first call of a module's cmdlet. */
  takeModules(pipeline: Pipeline): boolean {
    const before = this.#modules.size;
    for (const stage of pipeline)
      if ('cmdlet' in stage) this.#modules.add(cmdletEntry(stage.cmdlet)?.module ?? '');
    return this.#modules.size > before;
  }

  /** The JSON of the answer. A process that does not answer in time is killed. */
  async ask(line: string, id: number, { signal, seconds, what }: Patience): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    let onAbort = (): void => undefined;
    const endMs = performance.now() + seconds * 1_000;
    try {
      return await new Promise<string>((resolve, reject) => {
        this.#waiting = { mark: `${ANSWER_MARK}${id}:`, resolve, reject };
        if (!this.isAlive) return reject(endedError('has ended'));
        const wait = (ms: number): void => {
          clearTimeout(timer);
          timer = setTimeout(() => reject(silentError(seconds, what)), ms);
        };
        wait(endMs - performance.now());
        onAbort = () => wait(Math.min(endMs - performance.now(), ABANDONED_SECONDS * 1_000));
        signal.addEventListener('abort', onAbort, { once: true });
        this.process.write(line);
      });
    } catch (error) {
      this.#waiting = undefined;
      this.process.kill();
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      this.#waiting = undefined;
    }
  }

  #take(line: string): void {
    const at = this.#waiting === undefined ? -1 : line.indexOf(this.#waiting.mark);
    if (this.#waiting === undefined || at === -1) return;
    this.#waiting.resolve(line.slice(at + this.#waiting.mark.length).trimEnd());
  }
}

/**
 * Windows PowerShell below a PowerShell 7 inherits its PSModulePath and finds modules there first that it
 * cannot load. Without the variable it uses its own path.
 * @see https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_psmodulepath
 */
function ownModules(executable: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (!/(^|[\\/])powershell(\.exe)?$/i.test(executable)) return env;
  return Object.fromEntries(Object.entries(env).filter(([name]) => name.toLowerCase() !== 'psmodulepath'));
}

function silentError(seconds: number, what: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_POWERSHELL',
    `PowerShell did not answer in ${seconds} s: ${what}`,
    'Try again. If that does not help, restart the service "Hyper-V Virtual Machine Management" (vmms), or Windows.',
  );
}

function endedError(reason: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_POWERSHELL',
    `PowerShell ${reason} during a call.`,
    'Try again. If it happens again, find out what ends powershell.exe: check the event log and security software.',
  );
}

function closedError(): MobyvmError {
  return new MobyvmError('MOBYVM_ABORTED', 'The PowerShell session was closed.', 'Run the command again.');
}

function restrictedError(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_POWERSHELL_START',
    'A policy of this system restricts PowerShell to RestrictedLanguage, in which mobyvm cannot run any command.',
    'Ask your administrator to allow ConstrainedLanguage or FullLanguage for the account that runs mobyvm.',
  );
}

function startError(executable: string, cause: unknown): MobyvmError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MobyvmError(
    'MOBYVM_POWERSHELL_START',
    `"${executable}" cannot be used: ${reason}`,
    `Run "${executable} -NoProfile -NonInteractive -Command 1" in a terminal and check its output.`,
    { cause },
  );
}
