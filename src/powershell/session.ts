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
  /** Absolute path of `powershell.exe` or `pwsh`, or its name on PATH. */
  readonly executable: string;
  readonly logger?: Logger;
  /** Of its process, whole. */
  readonly env: NodeJS.ProcessEnv;
  /** How long a new process may take to say what it is; 60. The first one after a boot is slow. */
  readonly startSeconds?: number;
}

/** What kind of PowerShell a session has. */
export interface PowerShellIdentity {
  /** For example `5.1.22621.2506`. */
  readonly version: string;
  /** `Desktop` is Windows PowerShell, `Core` PowerShell 6 and later. */
  readonly edition: string;
  /** `FullLanguage`; `ConstrainedLanguage` where a policy restricts scripts: what mobyvm sends is made for both. */
  readonly languageMode: string;
  /** The one that counts, for example `RemoteSigned`; empty when it is not told. Windows' own modules are loaded with any. */
  readonly executionPolicy: string;
}

const DEFAULT_CALL_SECONDS = 30;
/** The first call of a module's cmdlet loads the module. */
const MODULE_SECONDS = 60;
/** So long the answer to a call that nobody waits for any more is still waited for, so that the next caller sees what came of it. */
const ABANDONED_SECONDS = 30;
const MAX_ANSWER_CHARACTERS = 16 * 1024 * 1024;
const IDENTITY = { version: 'text', edition: 'text', languageMode: 'text', executionPolicy: 'text' } as const;
const UNKNOWN: PowerShellIdentity = { version: '', edition: '', languageMode: '', executionPolicy: '' };

/**
 * One long-lived PowerShell process; one call at a time, in the order of asking. A request is one line and so is its answer,
 * whatever else is printed around it. Whoever is aborted returns at once; the process goes on, as others use it too. One that does not
 * answer in time, ends, or writes no end of a line is killed, and the next call has a new one. What such a call has brought about by
 * then is for its caller to look at.
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

  /** Of the present process; starts one if there is none. @throws MobyvmError MOBYVM_POWERSHELL_START */
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
      // What nobody waits for any more is not begun.
      options.signal.throwIfAborted();
      return this.#ask(started, pipeline, fields, options);
    }, options.signal);
    if (answer.kind === 'failure') throw new PowerShellError(answer.failure);
    return answer.rows;
  }

  /** The work keeps its turn until it is over, also when its caller is aborted. */
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
      ...{ call: what, durationMs: Math.round(performance.now() - startedMs), outcome: decoded.kind },
      ...(decoded.kind === 'failure'
        ? { errorId: decoded.failure.errorId, hresult: decoded.failure.hresult }
        : {}),
    });
    return decoded;
  }

  /** Not at any one caller's pleasure: the next ones need it as well. */
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
  /** Of who asks: when it is aborted, the answer is waited for a while, so that it can be told from the next one. */
  readonly signal: AbortSignal;
  readonly seconds: number;
  readonly what: string;
}

/** A process with its key, and whoever waits for its answer. */
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

  /** The answer's JSON. A process that does not give it in time is killed. */
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
 * Windows PowerShell that a PowerShell 7 has started, by however many others, inherits the place of its modules and finds them first, of
 * which it can load none. Without one it makes its own.
 */
function ownModules(executable: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (!/(^|[\\/])powershell(\.exe)?$/i.test(executable)) return env;
  return Object.fromEntries(Object.entries(env).filter(([name]) => name.toLowerCase() !== 'psmodulepath'));
}

function silentError(seconds: number, what: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_POWERSHELL',
    `PowerShell did not answer in ${seconds} s: ${what}`,
    'Try again. If it stays so, restart the service "Hyper-V Virtual Machine Management" (vmms), or Windows.',
  );
}

function endedError(reason: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_POWERSHELL',
    `PowerShell ${reason} in the middle of a call.`,
    'Try again. If it stays so, look for what ends powershell.exe: the event log, or software that watches programs.',
  );
}

function closedError(): MobyvmError {
  return new MobyvmError('MOBYVM_ABORTED', 'The PowerShell session was closed.', 'Run the command again.');
}

function restrictedError(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_POWERSHELL_START',
    'A policy of this system restricts PowerShell to a language in which nothing can be asked (RestrictedLanguage).',
    'Ask your administrator to allow ConstrainedLanguage or FullLanguage to the account of mobyvm.',
  );
}

function startError(executable: string, cause: unknown): MobyvmError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MobyvmError(
    'MOBYVM_POWERSHELL_START',
    `"${executable}" cannot be used: ${reason}`,
    `Run "${executable} -NoProfile -NonInteractive -Command 1" in a terminal and look at what it says.`,
    { cause },
  );
}
