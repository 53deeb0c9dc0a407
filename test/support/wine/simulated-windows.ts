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
import type { AnswerCmdlet } from '../pwsh-host/stub-calls.js';
import { forwardToSocket, LinuxRelay } from './linux-relay.js';
import { toLinux, toWindows, type WindowsPlaces } from './windows-names.js';

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
  readonly #relay: LinuxRelay;
  #engine: Server | undefined;

  private constructor(namespace: NetworkNamespace, folder: string) {
    this.namespace = namespace;
    this.#folder = folder;
    this.#relay = new LinuxRelay(namespace, folder);
    this.host.network.tentativeLooks = 0;
  }

  static async create(): Promise<SimulatedWindows> {
    const folder = await mkdtemp(join(tmpdir(), 'mobyvm-win-'));
    const namespace = await NetworkNamespace.create('windows');
    const windows = new SimulatedWindows(namespace, folder);
    try {
      await namespace.addBridge('mobyvm0', [`${HOST_ADDRESS}/24`]);
      await namespace.ip('addr', 'add', `${GUEST_ADDRESS}/32`, 'dev', 'lo');
      await forwardToSocket(namespace, `${GUEST_ADDRESS}:${ENGINE_PORT}`, windows.#engineSocket);
      return windows;
    } catch (error) {
      await windows[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts to answer programs under Wine. @param drive the folder that is `C:\` there */
  open(drive: string): Promise<AsyncDisposable> {
    const places = { drive, consoleSocket: join(this.#folder, 'com1.sock') };
    return this.#relay.open({
      answer: this.#answerIn(places),
      consoleSocket: places.consoleSocket,
      ask: (question, argument) => this.#tell(question, argument),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.host.close();
    this.#engine?.closeAllConnections();
    this.#engine?.close();
    await this.namespace[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
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
      case 'remove NAT networks':
        return this.host.network.nats.splice(0).length;
      default:
        throw new TypeError(`unknown question: ${question}`);
    }
  }

  /** One that starts its engine once it has its configuration, as the real one does. */
  #guest(): SimulatedGuest {
    return new SimulatedGuest({
      requests: ['mobyvm.config', 'mobyvm.time', 'mobyvm.sync'],
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
}
