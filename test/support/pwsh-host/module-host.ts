import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { z } from 'zod';
import { SimulatedHost } from '../hyperv-host/simulated-host.js';
import { SystemPrograms } from '../hyperv-host/system-programs.js';
import { consoleProgram } from './console-program.js';
import type { AnswerCmdlet, BoundCall, HostAnswer } from './stub-calls.js';
import { StubHost } from './stub-host.js';

export const MODULE = resolve(import.meta.dirname, '../../../scripts/MobyVm');
const STUBS = join(import.meta.dirname, 'stubs');

/** What a script left: its objects with their types, its errors and warnings, and what it printed past the pipeline. */
const outcome = z.object({
  objects: z.array(z.object({ type: z.string(), value: z.unknown() })),
  errors: z.array(
    z.object({ id: z.string(), category: z.string(), message: z.string(), remedy: z.string().nullable() }),
  ),
  warnings: z.array(z.string()),
  languageMode: z.string(),
});
export type Outcome = z.infer<typeof outcome> & { readonly printed: string };

export interface ProgramCall {
  readonly args: readonly string[];
  /** Of a call that passes a value on standard input. */
  readonly stdin?: string;
}

/** What the substitute of mobyvm's program prints for one command line. */
export interface ProgramAnswer {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly exitCode?: number;
}

export interface ScriptOptions {
  readonly languageMode?: 'FullLanguage' | 'ConstrainedLanguage';
  readonly culture?: string;
  readonly isWindows?: boolean;
  /** Whether the module Hyper-V is installed. */
  readonly hasHyperV?: boolean;
}

const NOT_RUNNING: ProgramAnswer = { stdout: '{"state":"not-running","leftovers":0}\n', exitCode: 1 };
const UNKNOWN: ProgramAnswer = {
  stderr: 'mobyvm: Unknown command.\n  → mobyvm --help\n  MOBYVM_USAGE · mobyvm explain MOBYVM_USAGE\n',
  exitCode: 2,
};
const [UNIT, RECORD] = ['\x1f', '\x1e'];

/** Runs in the place of mobyvm: answers by its first words, and records how it was called. */
const PROGRAM = `#!/bin/sh
cd "$FOLDER" || exit 9
shift
for word; do printf '%s\\037' "$word"; done >>calls
case "$1 $2 $# $*" in 'kvp set 3 '* | *' --secret') printf '\\037stdin\\037' >>calls; cat >>calls ;; esac
printf '\\036' >>calls
for key in "$1 $2 $3 $4" "$1 $2 $3" "$1 $2" "$1" unknown; do
	[ -e "answers/$key.out" ] || continue
	cat "answers/$key.out"
	cat "answers/$key.err" >&2
	exit "$(cat "answers/$key.exit")"
done
`;

/** The module MobyVm, installed beside a substitute of mobyvm's program, in real PowerShell on a simulated Windows host. */
export class ModuleHost implements AsyncDisposable {
  host = new SimulatedHost();
  /** By the first words of the command line, four at most. */
  answers: Record<string, ProgramAnswer> = {};
  /** Stands between the stubs and the host. */
  answer: AnswerCmdlet = (asked) => this.host.answer(asked);
  readonly logDir: string;
  readonly #programs: SystemPrograms;
  readonly #stubs: StubHost;
  readonly #sessions = new Map<string, Session>();

  private constructor(
    readonly folder: string,
    stubs: StubHost,
    programs: SystemPrograms,
  ) {
    this.logDir = join(folder, 'logs');
    this.#stubs = stubs;
    this.#programs = programs;
  }

  static async create(): Promise<ModuleHost> {
    const folder = await mkdtemp(join(tmpdir(), 'mobyvm-module-'));
    const installed = join(folder, 'mobyvm');
    await mkdir(join(installed, 'lib'), { recursive: true });
    await mkdir(join(folder, 'home'));
    await writeFile(join(installed, 'lib/main.js'), '');
    const node = join(installed, 'node.exe');
    await writeFile(node, PROGRAM.replace('$FOLDER', folder));
    await chmod(node, 0o755);
    await cp(MODULE, join(installed, 'modules/MobyVm'), { recursive: true });
    const stubs = await StubHost.start((asked) => made.#answerOrEnd(asked));
    const made = new ModuleHost(folder, stubs, await SystemPrograms.create());
    await made.reset();
    return made;
  }

  /** Another Windows, on which mobyvm's daemon does not run; the sessions stay. */
  async reset(): Promise<void> {
    this.host.close();
    this.host = new SimulatedHost();
    this.answers = { 'status --json': NOT_RUNNING, unknown: UNKNOWN };
    this.answer = (asked) => this.host.answer(asked);
    await rm(this.logDir, { recursive: true, force: true });
    await mkdir(this.logDir);
    await writeFile(join(this.folder, 'calls'), '');
  }

  /** The program of Windows with that name, to be replaced. */
  systemProgram(name: string): string {
    return this.#programs.place(name);
  }

  /** How the substitute was called. */
  async calls(): Promise<readonly ProgramCall[]> {
    const records = (await readFile(join(this.folder, 'calls'), 'utf8')).split(RECORD).slice(0, -1);
    return records.map((record) => {
      const [words = '', stdin] = record.split(`${UNIT}${UNIT}stdin${UNIT}`);
      const args = words.replace(new RegExp(`${UNIT}$`), '').split(UNIT);
      return stdin === undefined ? { args } : { args, stdin };
    });
  }

  /** A host that cannot answer would leave the script waiting. */
  #answerOrEnd(asked: BoundCall): HostAnswer {
    try {
      return this.answer(asked);
    } catch (error) {
      for (const session of this.#sessions.values()) session.fail(error);
      this.#sessions.clear();
      return { kind: 'hang' };
    }
  }

  /** Runs a script that may call the module's commands. */
  async run(script: string, options: ScriptOptions = {}): Promise<Outcome> {
    // With a byte order mark, as Windows PowerShell needs it.
    await writeFile(join(this.folder, 'script.ps1'), `\uFEFF${script}\n`);
    const answers = join(this.folder, 'answers');
    await rm(answers, { recursive: true, force: true });
    await mkdir(answers);
    for (const [key, { stdout = '', stderr = '', exitCode = 0 }] of Object.entries(this.answers)) {
      await writeFile(join(answers, `${key}.out`), stdout);
      await writeFile(join(answers, `${key}.err`), stderr);
      await writeFile(join(answers, `${key}.exit`), String(exitCode));
    }
    const key = JSON.stringify(options);
    const session = this.#sessions.get(key) ?? (await this.#start(options));
    this.#sessions.set(key, session);
    const printed = await session.run();
    const result = await readFile(join(this.folder, 'result.json'), 'utf8');
    return { ...outcome.parse(JSON.parse(result)), printed };
  }

  /** The properties of a script's objects, once it is sure that it reported no error. */
  async objects(script: string, options: ScriptOptions = {}): Promise<readonly unknown[]> {
    const { objects, errors } = await this.run(script, options);
    if (errors.length > 0) throw new Error(errors.map(({ id, message }) => `${id}: ${message}`).join('\n'));
    return objects.map(({ value }) => value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions.values()) await session.end();
    this.host.close();
    await this.#stubs.stop();
    await this.#programs[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #start(options: ScriptOptions): Promise<Session> {
    const { languageMode = 'FullLanguage', culture = 'en-US', isWindows = true, hasHyperV = true } = options;
    const modules = (this.#stubs.env['PWSH_HOST_MODULES'] ?? '')
      .split(delimiter)
      .filter((each) => hasHyperV || !each.endsWith('Hyper-V.psm1'));
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      ...this.#stubs.env,
      ...(hasHyperV ? {} : { PSModulePath: join(this.folder, 'home') }),
      ...(isWindows ? { OS: 'Windows_NT' } : {}),
      PWSH_HOST_MODULES: modules.join(delimiter),
      MODULE_SESSION: this.folder,
      MODULE_SESSION_LANGUAGE: languageMode,
      MODULE_SESSION_CULTURE: culture,
      MOBYVM_LOG_DIR: this.logDir,
      SystemRoot: this.#programs.folder,
      HOME: join(this.folder, 'home'),
      NO_COLOR: '1',
      TERM: 'dumb',
    };
    const words = ['-NoProfile', '-NonInteractive', '-File', join(STUBS, 'module-session.ps1')];
    // A group of its own: the program starts another one.
    return new Session(spawn(await consoleProgram(), words, { env, cwd: this.folder, detached: true }));
  }
}

const DONE = '<done>';

/** A PowerShell that runs one script after the other. */
class Session {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #exit: Promise<void>;
  #printed = '';
  #onPrinted: () => void = () => undefined;
  #hasEnded = false;
  #failure: Error | undefined;

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    const take = (text: string): void => {
      this.#printed += text;
      this.#onPrinted();
    };
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);
    child.stdin.on('error', () => undefined);
    this.#exit = new Promise((resolve) => {
      child.once('error', (error) => take(error.message));
      child.once('close', () => {
        this.#hasEnded = true;
        this.#onPrinted();
        resolve();
      });
    });
  }

  /** @returns what was printed past the pipeline */
  async run(): Promise<string> {
    this.#printed = '';
    this.#child.stdin.write('run\n');
    return new Promise((resolve, reject) => {
      this.#onPrinted = () => {
        if (this.#printed.includes(DONE)) resolve(this.#printed.replace(`${DONE}\n`, ''));
        else if (this.#failure !== undefined) reject(this.#failure);
        else if (this.#hasEnded) reject(new Error(`PowerShell has ended: ${this.#printed}`));
      };
      this.#onPrinted();
    });
  }

  fail(error: unknown): void {
    this.#failure = new Error('the simulated host failed', { cause: error });
    this.#onPrinted();
    void this.end();
  }

  async end(): Promise<void> {
    const { pid } = this.#child;
    if (!this.#hasEnded && pid !== undefined) process.kill(-pid, 'SIGKILL');
    await this.#exit;
  }
}
