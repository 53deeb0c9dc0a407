import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { textOf } from '../../../src/core/values/index.js';
import { decodeGuestConfiguration } from '../../../src/kvp/guest/configuration.codec.js';
import { answerAsEngine } from '../engine-fake.js';
import { SimulatedGuest } from '../hyperv-host/simulated-guest.js';
import { SimulatedHost } from '../hyperv-host/simulated-host.js';
import { NetworkNamespace } from '../netns.js';
import { consoleProgram } from '../pwsh-host/console-program.js';
import type { AnswerCmdlet } from '../pwsh-host/stub-calls.js';
import { StubHost } from '../pwsh-host/stub-host.js';
import { RelayServer } from './relay-server.js';
import { toLinux, toWindows, type WindowsPlaces } from './windows-names.js';

/** Where relay/main.cjs connects to. */
const RELAY_PORT = 18_200;
const HOST_ADDRESS = '10.0.75.1';
const GUEST_ADDRESS = '10.0.75.2';
const ENGINE_PORT = 2_376;

/**
 * A Windows host for programs under Wine: its cmdlets are those of {@link SimulatedHost}, in PowerShell's own engine, and the
 * network namespace has the address of the host on its switch and that of the guest.
 */
export class SimulatedWindows implements AsyncDisposable {
  readonly namespace: NetworkNamespace;
  readonly host = new SimulatedHost();
  /** Calls that the simulated host could not answer, with the reason. */
  readonly problems: string[] = [];
  readonly #folder: string;
  #engine: Server | undefined;

  private constructor(namespace: NetworkNamespace, folder: string) {
    this.namespace = namespace;
    this.#folder = folder;
    this.host.network.tentativeLooks = 0;
  }

  static async create(): Promise<SimulatedWindows> {
    const folder = await mkdtemp(join(tmpdir(), 'mobyvm-win-'));
    const namespace = await NetworkNamespace.create('windows');
    const windows = new SimulatedWindows(namespace, folder);
    try {
      await namespace.addBridge('mobyvm0', [`${HOST_ADDRESS}/24`]);
      await namespace.ip('addr', 'add', `${GUEST_ADDRESS}/32`, 'dev', 'lo');
      await windows.#forward(`127.0.0.1:${RELAY_PORT}`, windows.#relaySocket);
      await windows.#forward(`${GUEST_ADDRESS}:${ENGINE_PORT}`, windows.#engineSocket);
      return windows;
    } catch (error) {
      await windows[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts to answer programs under Wine. @param drive the folder that is `C:\` there */
  async open(drive: string): Promise<AsyncDisposable> {
    const program = await consoleProgram();
    const places = { drive, consoleSocket: join(this.#folder, 'com1.sock') };
    const stubs = await StubHost.start(this.#answerIn(places));
    const relay = await RelayServer.listen(this.#relaySocket, {
      program,
      env: { ...process.env, ...stubs.env, DOTNET_EnableDiagnostics: '0' },
      consoleSocket: places.consoleSocket,
      ask: (question, argument) => this.#tell(question, argument),
    });
    return {
      [Symbol.asyncDispose]: async () => {
        await relay[Symbol.asyncDispose]();
        await stubs.stop();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.host.close();
    this.#engine?.closeAllConnections();
    this.#engine?.close();
    await this.namespace[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #relaySocket(): string {
    return join(this.#folder, 'relay.sock');
  }

  get #engineSocket(): string {
    return join(this.#folder, 'engine.sock');
  }

  #answerIn(places: WindowsPlaces): AnswerCmdlet {
    return (call) => {
      try {
        return toWindows(this.host.answer(toLinux(call, places)), places);
      } catch (error) {
        this.problems.push(`${call.command}: ${textOf(error)}`);
        throw error;
      }
    };
  }

  #tell(question: string, argument: unknown): unknown {
    switch (question) {
      case 'snapshot':
        return this.host.snapshot();
      case 'problems':
        return this.problems;
      case 'guest':
        this.host.guest = argument === 'answers' ? this.#guest() : undefined;
        return undefined;
      default:
        throw new TypeError(`unknown question: ${question}`);
    }
  }

  /** One that starts its engine once it has its configuration, as the real one does. */
  #guest(): SimulatedGuest {
    return new SimulatedGuest({
      requests: ['mobyvm.config', 'mobyvm.time'],
      answer: (name, body) => {
        if (name === 'mobyvm.config') this.#startEngine(body);
        return { ok: true };
      },
    });
  }

  #startEngine(body: Uint8Array): void {
    const { caCertificate: ca, serverCertificate: cert, serverKey: key } = decodeGuestConfiguration(body);
    this.#engine?.closeAllConnections();
    this.#engine?.close();
    this.#engine = createServer(
      { ca, cert, key, requestCert: true, rejectUnauthorized: true },
      answerAsEngine,
    ).listen(this.#engineSocket);
  }

  /** From an address in the namespace to a socket of this process. */
  async #forward(address: string, socketPath: string): Promise<void> {
    const [host = '', port = ''] = address.split(':');
    const listen = `TCP-LISTEN:${port},bind=${host},reuseaddr,fork`;
    // A connection that one side has closed may stay half open as long as it likes.
    const program = this.namespace.start('socat', [
      '-d',
      '-d',
      '-t86400',
      listen,
      `UNIX-CONNECT:${socketPath}`,
    ]);
    await program.line(/listening on/);
  }
}
