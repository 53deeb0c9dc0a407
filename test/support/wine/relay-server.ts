import { spawn } from 'node:child_process';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { z } from 'zod';
import { textOf } from '../../../src/core/values/index.js';

/** Kinds of frames to the relay: a byte, the length of the payload in four, the payload. */
const [STDOUT, STDERR, EXIT] = [1, 2, 3];
const KILLED = 99;

/** What a connection is for: its first line, as JSON. Then come the bytes of the program's standard input, or of the console. */
const openingSchema = z.union([
  /** The arguments of PowerShell, and what is added to its environment. */
  z.object({ run: z.array(z.string()), env: z.record(z.string(), z.string()) }),
  z.object({ console: z.literal(true) }),
  z.object({ ask: z.string(), argument: z.unknown().optional() }),
]);

export interface RelayServerOptions {
  /** PowerShell on Linux. */
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
  /** Where the consoles of machines are. */
  readonly consoleSocket: string;
  /** Answers a question of the test, perhaps by a promise. */
  readonly ask: (question: string, argument: unknown) => unknown;
}

/** The Linux side of test/support/wine/relay: a PowerShell for each connection, consoles of machines, and questions of the test. */
export class RelayServer implements AsyncDisposable {
  readonly #options: RelayServerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(options: RelayServerOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  /** @param socketPath a unix socket */
  static async listen(socketPath: string, options: RelayServerOptions): Promise<RelayServer> {
    const relay = new RelayServer(options);
    await new Promise<void>((listening, failed) => {
      relay.#server.once('error', failed).listen(socketPath, listening);
    });
    return relay;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((closed) => this.#server.close(closed));
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    let head = Buffer.alloc(0);
    const read = (data: Buffer): void => {
      head = Buffer.concat([head, data]);
      const end = head.indexOf('\n');
      if (end === -1) return;
      socket.off('data', read).pause();
      const opening = openingSchema.parse(JSON.parse(head.subarray(0, end).toString()));
      socket.unshift(head.subarray(end + 1));
      if ('run' in opening) this.#run(socket, opening);
      else if ('ask' in opening) void this.#answer(socket, opening.ask, opening.argument);
      else this.#showConsole(socket);
    };
    socket.on('data', read);
  }

  #run(socket: Socket, opening: { readonly run: readonly string[]; readonly env: NodeJS.ProcessEnv }): void {
    const { program, env } = this.#options;
    const child = spawn(program, opening.run, { env: { ...env, ...opening.env }, stdio: 'pipe' });
    child.on('error', (error) => socket.write(frame(STDERR, Buffer.from(textOf(error)))));
    child.stdout.on('data', (data: Buffer) => socket.write(frame(STDOUT, data)));
    child.stderr.on('data', (data: Buffer) => socket.write(frame(STDERR, data)));
    child.stdin.on('error', () => undefined);
    child.on('close', (code) => socket.end(frame(EXIT, Buffer.from([code ?? KILLED]))));
    socket.pipe(child.stdin);
    // powershell.exe was ended.
    socket.on('close', () => child.kill('SIGKILL'));
  }

  async #answer(socket: Socket, question: string, argument: unknown): Promise<void> {
    let answer: unknown;
    try {
      answer = { value: (await this.#options.ask(question, argument)) ?? null };
    } catch (error) {
      answer = { error: textOf(error) };
    }
    socket.end(`${JSON.stringify(answer)}\n`);
  }

  #showConsole(socket: Socket): void {
    const console = connect(this.#options.consoleSocket);
    console.on('error', () => socket.destroy());
    console.on('close', () => socket.destroy());
    socket.on('close', () => console.destroy());
    console.pipe(socket).pipe(console);
  }
}

function frame(kind: number | undefined, payload: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header[0] = kind ?? 0;
  header.writeUInt32BE(payload.length, 1);
  return Buffer.concat([header, payload]);
}
