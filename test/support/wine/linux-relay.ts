import { join } from 'node:path';
import type { NetworkNamespace } from '../netns.js';
import { consoleProgram } from '../pwsh-host/console-program.js';
import type { AnswerCmdletLater } from '../pwsh-host/stub-calls.js';
import { StubHost } from '../pwsh-host/stub-host.js';
import { RelayServer, type RelayServerOptions } from './relay-server.js';

/** Where relay/main.cjs connects to. */
const RELAY_PORT = 18_200;

export interface RelayOptions extends Pick<RelayServerOptions, 'ask' | 'consoleSocket'> {
  readonly answer: AnswerCmdletLater;
}

/** The Linux side of a run under Wine in a network namespace: PowerShell with stubs, a console, and the test's questions. */
export class LinuxRelay {
  readonly #namespace: NetworkNamespace;
  readonly #socket: string;

  /** @param folder for its socket */
  constructor(namespace: NetworkNamespace, folder: string) {
    this.#namespace = namespace;
    this.#socket = join(folder, 'relay.sock');
  }

  /** Serves until it is disposed of. */
  async open({ answer, ask, consoleSocket }: RelayOptions): Promise<AsyncDisposable> {
    const program = await consoleProgram();
    await forwardToSocket(this.#namespace, `127.0.0.1:${RELAY_PORT}`, this.#socket);
    const stubs = await StubHost.start(answer);
    const env = { ...process.env, ...stubs.env, DOTNET_EnableDiagnostics: '0' };
    const server = await RelayServer.listen(this.#socket, { program, env, consoleSocket, ask });
    return {
      [Symbol.asyncDispose]: async () => {
        await server[Symbol.asyncDispose]();
        await stubs.stop();
      },
    };
  }
}

/** From an address in the namespace to a socket of this process. */
export async function forwardToSocket(
  namespace: NetworkNamespace,
  address: string,
  socketPath: string,
): Promise<void> {
  const [host = '', port = ''] = address.split(':');
  await startSocat(namespace, `TCP-LISTEN:${port},bind=${host},reuseaddr,fork`, `UNIX-CONNECT:${socketPath}`);
}

/** From a socket on Linux to an address in the namespace. */
export async function forwardFromSocket(
  namespace: NetworkNamespace,
  socketPath: string,
  address: string,
): Promise<void> {
  await startSocat(namespace, `UNIX-LISTEN:${socketPath},fork`, `TCP:${address}`);
}

async function startSocat(namespace: NetworkNamespace, from: string, to: string): Promise<void> {
  // A connection that one side has closed may stay half open as long as it likes.
  const program = namespace.start('socat', ['-d', '-d', '-t86400', from, to]);
  await program.line(/listening on/);
}
