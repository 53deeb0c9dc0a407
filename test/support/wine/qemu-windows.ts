import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { run } from '../../../src/core/host/index.js';
import { textOf } from '../../../src/core/values/index.js';
import { makeBusyboxImage } from '../instance.js';
import { connect, NetworkNamespace } from '../netns.js';
import type { AnswerCmdletLater } from '../pwsh-host/stub-calls.js';
import { QemuHost } from '../qemu-host/qemu-host.js';
import { forwardFromSocket, LinuxRelay } from './linux-relay.js';
import { transcriptSchema, writeOnRequest } from './transcript.js';
import { toLinux, toWindows, type WindowsPlaces } from './windows-names.js';

/** Where test/windows/inside/pipe-bridge.ts listens. */
const PIPE_BRIDGE = '127.0.0.1:18201';
/** Of the host's network card; see SimulatedNetwork. */
const LAN = { device: 'eth0', host: '192.168.1.20', neighbour: '192.168.1.30' };
/** https://docs.python.org/3/library/pty.html#pty.spawn */
const IN_TERMINAL = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)';
const DOCKER_TIMEOUT_MS = 180_000;
const ANY_EXIT_CODE = Array.from({ length: 256 }, (_, code) => code);

const dockerSchema = z.object({ args: z.array(z.string()), input: z.string().optional() });

/** How a program on the Linux side has ended. */
interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * A Windows host for programs under Wine with {@link QemuHost} behind its cmdlets: its machines run. It is in a network namespace
 * with a card on a local network, where another computer is.
 */
export class QemuWindows implements AsyncDisposable {
  readonly host: QemuHost;
  /** Calls that could not be answered, with the reason. */
  readonly #problems: string[] = [];
  readonly #relay: LinuxRelay;

  private constructor(
    readonly namespace: NetworkNamespace,
    readonly neighbour: NetworkNamespace,
    readonly folder: string,
  ) {
    this.host = new QemuHost(namespace, folder);
    this.#relay = new LinuxRelay(namespace, folder);
  }

  static async create(): Promise<QemuWindows> {
    const folder = await mkdtemp(join(tmpdir(), 'mvq-'));
    const namespace = await NetworkNamespace.create('windows');
    const neighbour = await NetworkNamespace.create('lan');
    const windows = new QemuWindows(namespace, neighbour, folder);
    try {
      const { device, host, neighbour: other } = LAN;
      await connect(
        { namespace, device, addresses: [`${host}/24`] },
        { namespace: neighbour, device, addresses: [`${other}/24`] },
      );
      await forwardFromSocket(namespace, windows.#dockerSocket, PIPE_BRIDGE);
      return windows;
    } catch (error) {
      await windows[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts to answer programs under Wine. @param drive the folder that is `C:\` there */
  open(drive: string): Promise<AsyncDisposable> {
    const { consoleSocket } = this.host;
    return this.#relay.open({
      answer: this.#answerIn({ drive, consoleSocket }),
      consoleSocket,
      ask: (question, argument) => this.#tell(question, argument),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host[Symbol.asyncDispose]();
    await this.namespace[Symbol.asyncDispose]();
    await this.neighbour[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }

  get #dockerSocket(): string {
    return join(this.folder, 'docker.sock');
  }

  #answerIn(places: WindowsPlaces): AnswerCmdletLater {
    return async (call) => {
      try {
        return toWindows(await this.host.answer(toLinux(call, places)), places);
      } catch (error) {
        this.#problems.push(`${call.command}: ${textOf(error)}`);
        throw error;
      }
    };
  }

  async #tell(question: string, argument: unknown): Promise<unknown> {
    switch (question) {
      case 'snapshot':
        return { ...this.host.simulated.snapshot(), devices: await this.host.network.devices() };
      case 'problems':
        return [...this.#problems, ...this.host.failures];
      case 'console':
        return this.host.consoles(z.number().parse(argument));
      case 'docker': {
        const { args, input = '' } = dockerSchema.parse(argument);
        return this.#docker(args, input);
      }
      case 'busybox image':
        return makeBusyboxImage(
          { docker: async (args, options) => this.#successOf(args, options?.input) },
          z.string().parse(argument),
        );
      case 'transcript':
        return writeOnRequest(transcriptSchema.parse(argument));
      case 'ask from the local network':
        return this.#askHost(z.number().parse(argument));
      default:
        throw new TypeError(`unknown question: ${question}`);
    }
  }

  /** Docker's own client, whose connections lead through the pipe under Wine; with `-it`, in a terminal. */
  async #docker(args: readonly string[], input: string | Uint8Array): Promise<Ended> {
    const command = ['docker', '-H', `unix://${this.#dockerSocket}`, ...args];
    const [program = '', ...rest] = args.includes('-it')
      ? ['python3', '-c', IN_TERMINAL, ...command]
      : command;
    const { exitCode, stdout, stderr } = await run(program, rest, {
      input,
      timeoutMs: DOCKER_TIMEOUT_MS,
      acceptExitCodes: ANY_EXIT_CODE,
    });
    return { code: exitCode, stdout, stderr };
  }

  async #successOf(args: readonly string[], input: string | Uint8Array = ''): Promise<string> {
    const { code, stdout, stderr } = await this.#docker(args, input);
    if (code !== 0) throw new TypeError(`docker ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  /** What a published port answers to another computer. */
  async #askHost(port: number): Promise<string> {
    const url = `http://${LAN.host}:${port}/`;
    const ask = `const answer = await fetch(process.argv[1], { signal: AbortSignal.timeout(60_000) });
      process.stdout.write(await answer.text());`;
    const args = ['--input-type=module', '--eval', ask, url];
    return (await this.neighbour.run(process.execPath, args)).stdout;
  }
}
