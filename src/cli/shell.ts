import type { Duplex } from 'node:stream';
import { framesOf, writeFrame } from '../core/host/index.js';
import { MobyvmError } from '../core/values/index.js';
import { EXIT_INTERRUPTED, EXIT_OK } from '../protocol/exit-code.js';
import {
  FROM_CLIENT,
  FROM_DAEMON,
  shellFailure,
  shellExit,
  type ShellOpen,
} from '../protocol/shell-messages.js';
import { errorOf } from '../protocol/error-text.js';
import type { ByteInput } from './byte-streams.js';
import type { CommandContext, CommandResult } from './context.js';
import { ControlClient } from './control-client.js';

/** `mobyvm shell`: a command as root of the VM, or a shell. @returns the exit code of the command */
export async function shell(context: CommandContext, command: readonly string[]): CommandResult {
  const { paths, rights, interrupted } = context;
  const connection = await new ControlClient(paths.controlSocket, rights).openShell(interrupted);
  const session = new ShellSession(context, connection);
  const leave = (): void => void connection.destroy();
  interrupted.addEventListener('abort', leave, { once: true });
  try {
    return await session.run(command);
  } catch (error) {
    // `mobyvm shell -- journal | head` has seen enough.
    if (session.isOutputGone) return EXIT_OK;
    if (interrupted.aborted) return EXIT_INTERRUPTED;
    throw error instanceof MobyvmError ? error : lostError(error);
  } finally {
    interrupted.removeEventListener('abort', leave);
    session.close();
  }
}

class ShellSession {
  readonly #context: CommandContext;
  readonly #connection: Duplex;
  #input: ByteInput | undefined;
  #unsubscribe: () => void = () => undefined;
  isOutputGone = false;

  constructor(context: CommandContext, connection: Duplex) {
    this.#context = context;
    this.#connection = connection;
    connection.on('error', () => undefined);
  }

  async run(command: readonly string[]): Promise<number> {
    const { bytes, env } = this.#context;
    const { screen } = bytes;
    const terminal = screen && { type: terminalType(env['TERM']), ...screen.size() };
    await this.#send(FROM_CLIENT.OPEN, {
      command: [...command],
      ...(terminal && { terminal }),
    } satisfies ShellOpen);
    for await (const { type, payload } of framesOf(this.#connection)) {
      switch (type) {
        case FROM_DAEMON.OPENED:
          this.#begin();
          break;
        case FROM_DAEMON.STDOUT:
          await this.#print('stdout', payload);
          break;
        case FROM_DAEMON.STDERR:
          await this.#print('stderr', payload);
          break;
        case FROM_DAEMON.EXIT:
          return shellExit.parse(jsonOf(payload)).exitCode;
        case FROM_DAEMON.FAILURE:
          throw errorOf(shellFailure.parse(jsonOf(payload)).error);
      }
    }
    throw lostError();
  }

  close(): void {
    this.#unsubscribe();
    this.#input?.close();
    this.#connection.destroy();
  }

  /** Only now: until the command runs, Ctrl-C ends this one. */
  #begin(): void {
    const { bytes } = this.#context;
    const { screen } = bytes;
    this.#input = bytes.openInput({ raw: screen !== undefined });
    void this.#passOn(this.#input.chunks).catch(() => undefined);
    if (screen === undefined) return;
    this.#unsubscribe = screen.onResize(() => {
      void this.#send(FROM_CLIENT.SIZE, screen.size()).catch(() => undefined);
    });
  }

  async #passOn(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of chunks) await writeFrame(this.#connection, FROM_CLIENT.INPUT, chunk);
    await writeFrame(this.#connection, FROM_CLIENT.INPUT_END, new Uint8Array(0));
  }

  async #print(stream: 'stdout' | 'stderr', payload: Uint8Array): Promise<void> {
    try {
      await this.#context.bytes.write(stream, payload);
    } catch (error) {
      if (stream === 'stderr') return;
      this.isOutputGone = true;
      throw error;
    }
  }

  #send(type: number, body: unknown): Promise<void> {
    return writeFrame(this.#connection, type, new TextEncoder().encode(JSON.stringify(body)));
  }
}

/** Consoles of Windows have no TERM and understand these sequences. */
function terminalType(given: string | undefined): string {
  return given !== undefined && /^[A-Za-z0-9+_.-]{1,64}$/.test(given) ? given : 'xterm-256color';
}

function jsonOf(payload: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(payload));
}

function lostError(cause?: unknown): MobyvmError {
  return new MobyvmError(
    'MOBYVM_CONTROL_API',
    'The connection to the daemon was lost, and the shell was closed with it.',
    'See `mobyvm status` and `mobyvm logs`.',
    { cause },
  );
}
