import type { StageTiming } from './start-timings.js';

/** What the guest said about its own boot; parsed from its console by src/vm. */
export interface BootStage {
  readonly stage: string;
  readonly text: string;
  readonly isError: boolean;
  /** The guest's uptime, seconds. */
  readonly uptimeSeconds: number;
}

export interface WatchedConsole {
  readonly logPath: string;
  tail(maxLines: number): Promise<readonly string[]>;
  onLine(listener: (line: string) => void): () => void;
}

const KEPT_LINES = 12;
/** The guest is not trusted: what it reports is bounded. */
const KEPT_STAGES = 64;
const KEPT_TEXT = 200;

/** Stages whose error ends the boot. A network that is still missing may come up later; a deadline covers it. */
const FATAL_STAGES: readonly string[] = ['initramfs', 'root', 'init', 'data', 'containerd', 'engine'];

/** Follows the guest's console during a start, so that a failure can say how far the guest got and what it printed last. */
export class BootWatch {
  readonly #console: WatchedConsole;
  readonly #parseStage: (line: string) => BootStage | undefined;
  readonly #lines: string[] = [];
  #unsubscribe: () => void = () => undefined;
  #stages: StageTiming[] = [];
  #isBooted = false;
  #stage: BootStage | undefined;
  #problem: BootStage | undefined;

  constructor(console: WatchedConsole, parseStage: (line: string) => BootStage | undefined) {
    this.#console = console;
    this.#parseStage = parseStage;
  }

  /** The last stage that the guest reported, errors included. */
  get stage(): BootStage | undefined {
    return this.#stage;
  }

  /** What the guest reported until its engine answered, in order. */
  get stages(): readonly StageTiming[] {
    return this.#stages;
  }

  /** The first error of this boot that the guest reported and that it cannot get over. */
  get problem(): BootStage | undefined {
    return this.#problem;
  }

  get lastLine(): string | undefined {
    return this.#lines.at(-1);
  }

  get hasOutput(): boolean {
    return this.#lines.length > 0;
  }

  get logPath(): string {
    return this.#console.logPath;
  }

  /** Starts over: what an earlier boot said no longer counts. */
  start(onLine: (line: string) => void = () => undefined): void {
    this.stop();
    this.#lines.length = 0;
    this.#stages = [];
    this.#isBooted = false;
    this.#stage = undefined;
    this.#problem = undefined;
    this.#unsubscribe = this.#console.onLine((line) => {
      this.#take(line);
      onLine(line);
    });
  }

  /** For a machine that was running before we came: takes what its log already holds. */
  async catchUp(): Promise<void> {
    for (const line of await this.#console.tail(500)) this.#take(line);
    // An error in an old log was survived, or the machine would not be running.
    this.#problem = undefined;
  }

  stop(): void {
    this.#unsubscribe();
    this.#unsubscribe = () => undefined;
  }

  /** Sentences for an error message: the last stage reached, the last lines, where to read the rest. */
  account(): string {
    const reached =
      this.#stage === undefined
        ? 'The guest reported no stage'
        : `The last stage was "${this.#stage.stage}" (${this.#stage.text})`;
    const lines =
      this.#lines.length === 0
        ? 'Its console is empty.'
        : `Its console ends with:\n${this.#lines.map((line) => `    ${line}`).join('\n')}`;
    return `${reached}. ${lines}`;
  }

  #take(line: string): void {
    if (line.trim() === '') return;
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    const stage = this.#parseStage(line);
    if (stage === undefined) return;
    this.#stage = stage;
    this.#keep(stage);
    if (stage.isError && FATAL_STAGES.includes(stage.stage)) this.#problem ??= stage;
  }

  #keep({ stage, text, uptimeSeconds, isError }: BootStage): void {
    if (this.#isBooted || this.#stages.length === KEPT_STAGES) return;
    this.#stages.push({ stage, text: text.slice(0, KEPT_TEXT), uptimeSeconds });
    this.#isBooted = stage === 'engine' && !isError;
  }
}
