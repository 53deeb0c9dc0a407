import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { framesOf, writeAll, type Logger } from '../../core/host/index.js';
import { MobyvmError, textOf } from '../../core/values/index.js';
import type { ContainerClient, EngineAvailability, TerminalSize } from '../../proxy/index.js';
import { SHELL_LABEL, shellContainer, type ShellRequest } from './shell-container.plan.js';
import { closedError, shellError, unavailableError } from './shell-errors.js';
import { shellImage } from './shell-image.plan.js';

/** What the command printed. */
export interface ShellOutput {
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: Uint8Array;
}

/** A command that runs as root of the VM. */
export interface GuestShell {
  /** Ends when the command has. With a terminal, everything is standard output. */
  output(): AsyncGenerator<ShellOutput>;
  /** Resolves when more may be written. */
  write(input: Uint8Array): Promise<void>;
  endInput(): void;
  resize(size: TerminalSize): Promise<void>;
  /** Resolves when nothing of it is left in the engine. */
  readonly exitCode: Promise<number>;
  /** Ends the command and leaves nothing of it. Safe after its end. */
  close(): Promise<void>;
}

export interface GuestShellsOptions {
  readonly availability: EngineAvailability;
  readonly engine: ContainerClient;
  readonly logger: Logger;
}

/** Commands in the VM, outside of all containers. */
export class GuestShells {
  readonly #options: GuestShellsOptions;
  readonly #open = new Map<string, GuestShell>();
  readonly #unsubscribe: () => void;
  /** In the label of its containers: others are of daemons that are gone. */
  readonly #mark = randomBytes(8).toString('hex');
  /** Containers that could not be removed. */
  readonly #left = new Set<string>();
  #isReady = false;

  constructor(options: GuestShellsOptions) {
    this.#options = options;
    this.#unsubscribe = options.availability.onChange(() => this.#follow());
  }

  /**
   * @throws MobyvmError MOBYVM_VM_STATE if the VM is not running, MOBYVM_ENGINE_UNREACHABLE, MOBYVM_ABORTED
   */
  async open(request: ShellRequest, signal: AbortSignal): Promise<GuestShell> {
    const state = this.#options.availability.current();
    if (state.kind !== 'ready') throw unavailableError(state);
    try {
      return await this.#start(request, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw shellError(error);
    }
  }

  async close(): Promise<void> {
    this.#unsubscribe();
    await Promise.all([...this.#open.values()].map((shell) => shell.close()));
  }

  async #start(request: ShellRequest, signal: AbortSignal): Promise<GuestShell> {
    const { engine } = this.#options;
    const id = await this.#create(request);
    const stream = await engine.attach(id, signal).catch((error: unknown) => this.#giveUp(id, error));
    const shell = this.#shellOf(id, stream, request.terminal !== undefined);
    this.#open.set(id, shell.of);
    try {
      const { exitCode } = await engine.waitForRemoval(id, shell.over);
      await engine.start(id, signal);
      // Engines before API 1.42 do not know the size in the container's specification.
      if (request.terminal !== undefined) await shell.of.resize(request.terminal).catch(() => undefined);
      shell.follow(exitCode);
      return shell.of;
    } catch (error) {
      await shell.of.close();
      throw error;
    }
  }

  /**
   * The image is deleted before the container starts: nobody ever sees it, and the container keeps its files. Not
   * abortable: what the engine has created can be removed only if its id is known.
   */
  async #create(request: ShellRequest): Promise<string> {
    const { engine, logger } = this.#options;
    const { signal } = new AbortController();
    const image = await engine.importImage(shellImage(), signal);
    try {
      const name = `mobyvm-shell-${randomBytes(4).toString('hex')}`;
      return await engine.create(name, shellContainer({ image, mark: this.#mark, request }), signal);
    } finally {
      await engine.removeImage(image, signal).catch((error: unknown) => {
        logger.warn('shell.image.left', { reason: textOf(error) });
      });
    }
  }

  #shellOf(id: string, stream: Duplex, hasTerminal: boolean): OpenShell {
    const { engine } = this.#options;
    const over = new AbortController();
    let follow: (exitCode: Promise<number>) => void = () => undefined;
    const exitCode = new Promise<number>((resolve) => {
      follow = resolve;
    });
    let closing: Promise<void> | undefined;
    const remove = async (): Promise<void> => {
      over.abort(closedError());
      stream.destroy();
      this.#open.delete(id);
      await this.#remove(id);
    };
    const of: GuestShell = {
      output: () => outputOf(stream, hasTerminal, over.signal),
      write: (input) => writeAll(stream, input),
      endInput: () => void stream.end(),
      resize: (size) => engine.resize(id, size, over.signal),
      exitCode,
      close: () => (closing ??= remove()),
    };
    exitCode.then(
      () => this.#open.delete(id),
      () => undefined,
    );
    const ofCommand = (code: Promise<number>): Promise<number> =>
      code.catch((error: unknown) => {
        over.signal.throwIfAborted();
        throw error;
      });
    return { of, follow: (code) => follow(ofCommand(code)), over: over.signal };
  }

  async #giveUp(id: string, error: unknown): Promise<never> {
    await this.#remove(id);
    throw error;
  }

  async #remove(id: string): Promise<void> {
    const { engine, logger } = this.#options;
    await engine.remove(id, new AbortController().signal).catch((error: unknown) => {
      this.#left.add(id);
      logger.warn('shell.container.left', { reason: textOf(error) });
    });
  }

  /** Shells end with the VM; whatever an earlier daemon left, or a saved VM brought back, is removed. */
  #follow(): void {
    const { kind } = this.#options.availability.current();
    if (kind === 'ready' && !this.#isReady) void this.#removeLeftovers();
    this.#isReady = kind === 'ready';
    if (kind !== 'stopped' && kind !== 'failed') return;
    for (const shell of this.#open.values()) void shell.close();
  }

  async #removeLeftovers(): Promise<void> {
    const { engine, logger } = this.#options;
    const { signal } = new AbortController();
    try {
      for (const { id, value } of await engine.withLabel(SHELL_LABEL, signal)) {
        if (value === this.#mark && !this.#left.has(id)) continue;
        await engine.remove(id, signal);
        this.#left.delete(id);
      }
    } catch (error) {
      logger.debug('shell.leftovers.unknown', { reason: textOf(error) });
    }
  }
}

interface OpenShell {
  readonly of: GuestShell;
  /** Told once the command runs. */
  readonly follow: (exitCode: Promise<number>) => void;
  /** Aborted when it is closed. */
  readonly over: AbortSignal;
}

const STANDARD_ERROR = 2;

/** @throws the reason for which the shell was closed */
async function* outputOf(
  stream: Duplex,
  hasTerminal: boolean,
  over: AbortSignal,
): AsyncGenerator<ShellOutput> {
  try {
    if (hasTerminal)
      for await (const bytes of stream as AsyncIterable<Uint8Array>) yield { stream: 'stdout', bytes };
    else
      for await (const { type, payload } of framesOf(stream))
        yield { stream: type === STANDARD_ERROR ? 'stderr' : 'stdout', bytes: payload };
  } catch (error) {
    over.throwIfAborted();
    // The engine is lost; whoever waits for the exit code learns why.
    if (error instanceof MobyvmError) throw error;
  }
}
