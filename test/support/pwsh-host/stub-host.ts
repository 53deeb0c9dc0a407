import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { AnswerCmdletLater, BoundCall } from './stub-calls.js';
import { definitionsFromReference, definitionsFromTable } from './stub-definitions.js';
import { writeStubModules } from './stub-modules.js';

const RUNTIME = join(import.meta.dirname, 'stubs/MobyvmStub.psm1');

/** The published cmdlet reference as one file; it is not part of the project. Undefined when it is not here. */
export const CMDLET_REFERENCE: string | undefined = [
  process.env['MOBYVM_CMDLET_METADATA'],
  resolve(import.meta.dirname, '../../../../shared/facts/powershell-cmdlets.json'),
].find((path) => path !== undefined && existsSync(path));

/** What stubs can be made from here; the best one first. */
export const STUB_SOURCES: readonly ('reference' | 'table')[] =
  CMDLET_REFERENCE === undefined ? ['table'] : ['reference', 'table'];

const callSchema = z.object({ command: z.string(), parameters: z.record(z.string(), z.unknown()) });

/**
 * Stub modules for a PowerShell engine, and the socket on which they ask a simulated host. A session with {@link env} has every
 * cmdlet that mobyvm may call.
 */
export class StubHost {
  /** Every call that was bound, in its order. */
  readonly calls: BoundCall[] = [];
  readonly env: NodeJS.ProcessEnv;
  readonly #folder: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(folder: string, server: Server, env: NodeJS.ProcessEnv) {
    this.#folder = folder;
    this.#server = server;
    this.env = env;
  }

  static async start(answer: AnswerCmdletLater, source = STUB_SOURCES[0]): Promise<StubHost> {
    const folder = await mkdtemp(join(tmpdir(), 'mobyvm-stubs-'));
    const definitions =
      source === 'reference' && CMDLET_REFERENCE !== undefined
        ? definitionsFromReference(readFileSync(CMDLET_REFERENCE, 'utf8'))
        : definitionsFromTable();
    const modules = await writeStubModules(join(folder, 'modules'), RUNTIME, definitions);
    const socketPath = join(folder, 'host.sock');
    const server = createServer((socket) => host.#serve(socket, answer));
    await new Promise<void>((listening, failed) => {
      server.once('error', failed).listen(socketPath, listening);
    });
    const host = new StubHost(folder, server, {
      MOBYVM_STUB_SOCKET: socketPath,
      PWSH_HOST_MODULES: modules.join(delimiter),
      PSModulePath: join(folder, 'modules'),
    });
    return host;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((closed) => this.#server.close(closed));
    await rm(this.#folder, { recursive: true, force: true });
  }

  #serve(socket: Socket, answer: AnswerCmdletLater): void {
    this.#sockets.add(socket);
    // A session that is killed breaks its connection off.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    const lines = createInterface({ input: socket });
    // It gets the socket's errors too.
    lines.on('error', () => undefined);
    lines.on('line', (line) => void this.#answer(line, socket, answer));
  }

  async #answer(line: string, socket: Socket, answer: AnswerCmdletLater): Promise<void> {
    const call = callSchema.parse(JSON.parse(line));
    this.calls.push(call);
    const found = await answer(call);
    if (found.kind !== 'hang') socket.write(`${JSON.stringify(found)}\n`);
  }
}
