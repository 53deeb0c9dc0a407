import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, waitFor } from '../../../src/core/host/index.js';
import { MobyvmError } from '../../../src/core/values/index.js';
import { hostReport, type Finding } from '../../../src/protocol/messages.js';
import { evidenceOf, flawsOfDiagnosis } from '../diagnosed-fault.js';
import { Instance } from '../instance.js';
import { RunningProgram } from '../netns-program.js';
import { startMachine } from './started-machine.js';

const UPSTREAM_PORT = 5399;
/** What `mobyvm kvp set` sends arrives here, with or without an engine. */
const POOL = '/run/mobyvm/pools/.kvp_pool_0';
const never = new AbortController().signal;

/** A fault of a running machine, and what doctor is to say first while it lasts. */
export interface Fault {
  /** As docs/faults.md names it. */
  readonly title: string;
  readonly make: () => Promise<unknown>;
  /** Of the finding. */
  readonly id: string;
  readonly detail: RegExp;
  readonly undo: () => Promise<unknown>;
}

/** A machine with a share and a DNS server of its own, on which doctor finds nothing wrong. */
export class FaultyMachine implements AsyncDisposable {
  static readonly upstream = `127.0.0.1:${UPSTREAM_PORT}`;
  readonly #folder: string;
  #upstream: RunningProgram | undefined;

  private constructor(
    readonly instance: Instance,
    folder: string,
  ) {
    this.#folder = folder;
  }

  static async create(): Promise<FaultyMachine> {
    const folder = await mkdtemp(join(tmpdir(), 'mobyvm-shared-'));
    const instance = await Instance.create({ network: { dnsServers: [FaultyMachine.upstream] } });
    const machine = new FaultyMachine(instance, folder);
    try {
      await run('ip', ['netns', 'add', instance.namespace]);
      await run('ip', ['-n', instance.namespace, 'link', 'set', 'lo', 'up']);
      await machine.startUpstream();
      await mkdir(join(folder, 'c'));
      await machine.succeed('share', 'add', 'C', '--path', join(folder, 'c'));
      await startMachine(instance);
      await machine.untilContent();
    } catch (error) {
      await machine[Symbol.asyncDispose]();
      throw error;
    }
    return machine;
  }

  async startUpstream(): Promise<void> {
    const own = ['--keep-in-foreground', '--conf-file=/dev/null', '--pid-file=', '--user=root', '--no-hosts'];
    const place = [`--port=${UPSTREAM_PORT}`, '--listen-address=127.0.0.1', '--bind-interfaces'];
    const server = new RunningProgram('ip', [
      ...['netns', 'exec', this.instance.namespace, 'dnsmasq', ...own, ...place],
      ...['--no-resolv', '--address=/#/192.0.2.1', '--log-facility=-'],
    ]);
    this.#upstream = server;
    await server.line(/started/, 60);
  }

  async stopUpstream(): Promise<void> {
    await this.#upstream?.stop();
    this.#upstream = undefined;
  }

  /** A command that must succeed. */
  async succeed(...args: readonly string[]): Promise<void> {
    const { exitCode, stdout, stderr } = await this.instance.mobyvm(args);
    if (exitCode !== 0) throw failure(`mobyvm ${args.join(' ')}: ${stdout}${stderr}`);
  }

  inVm(script: string): Promise<void> {
    return this.succeed('shell', '--', 'sh', '-c', script);
  }

  /**
   * Runs a script in the VM that outlives the shell and the engine.
   * @param script without single quotes; `isOver` in it is a condition that `release` makes true
   */
  async detached(name: string, script: (isOver: string) => string): Promise<void> {
    const own = `echo $$ >/sys/fs/cgroup/cgroup.procs; ${script(`grep -q release-${name} ${POOL}`)}`;
    await this.inVm(`setsid sh -c '${own}' </dev/null >/dev/null 2>&1 &\nsleep 1`);
  }

  release(name: string): Promise<void> {
    return this.succeed('kvp', 'set', `release-${name}`, 'now');
  }

  async findings(): Promise<readonly Finding[]> {
    const { stdout } = await this.instance.mobyvm(['doctor', '--json']);
    return hostReport.parse(JSON.parse(stdout)).findings;
  }

  /** The processes of the file server, its children included. */
  async fileServers(): Promise<readonly number[]> {
    const lines = (await this.instance.processes()).filter((line) => line.includes('smbd'));
    return lines.map((line) => Number.parseInt(line, 10));
  }

  /** Makes a fault, waits until doctor names it first, looks for it in a diagnosis, and undoes it. */
  async suffer({ title, make, id, detail, undo }: Fault, meanwhile?: () => Promise<void>): Promise<void> {
    await make();
    try {
      await this.#until(`doctor to name ${id} first`, ([first]) => {
        if (first?.verdict !== 'problem' || first.id !== id || !detail.test(first.detail)) return false;
        return (first.remedy ?? '') !== '';
      });
      const path = join(this.instance.directory, 'diagnosis.zip');
      await this.succeed('diagnose', '--out', path, '--force');
      const flaws = await flawsOfDiagnosis(path, { id, evidence: evidenceOf(title) });
      if (flaws.length > 0) throw failure(`The diagnosis of "${title}": ${flaws.join('; ')}`);
      await meanwhile?.();
    } finally {
      await undo();
    }
    await this.untilContent();
  }

  /** Nothing is wrong, and everything could be asked. */
  untilContent(): Promise<void> {
    return this.#until('doctor to be content', (found) =>
      found.every(({ verdict }) => verdict === 'fine' || verdict === 'notice'),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopUpstream();
    await this.instance[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #until(title: string, isSo: (found: readonly Finding[]) => boolean): Promise<void> {
    let last: readonly Finding[] = [];
    const check = async (): Promise<boolean> => isSo((last = await this.findings()));
    try {
      await waitFor({ title, timeoutSeconds: 240, hint: '', check, everyMs: 1_000 }, never);
    } catch (error) {
      const found = JSON.stringify(last.filter(({ verdict }) => verdict !== 'fine'));
      throw failure(`Waited for ${title}: ${found}`, error);
    }
  }
}

function failure(message: string, cause?: unknown): MobyvmError {
  return new MobyvmError('MOBYVM_PROGRAM_FAILED', message, '', { cause });
}
