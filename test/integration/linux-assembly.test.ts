import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { sleep } from '../../src/core/host/index.js';
import type { MachineStatus } from '../../src/daemon/machine/machine-status.js';
import type { OperationEvent } from '../../src/daemon/machine/operation.js';
import { describeAssembly, type AssemblyUnderTest } from '../contract/machine-assembly.js';
import type { LinuxRequest } from '../support/assembly/linux-program.js';
import { compiledSupport } from '../support/compiled.js';
import { NetworkNamespace, type RunningProgram } from '../support/netns.js';
import { networkOf } from '../support/network-host.js';

/** A program that hangs ends with its namespace. */
const END_TIMEOUT_MS = 10_000;

// Once for all tests: it may take longer than one of them.
beforeAll(() => compiledSupport(), 240_000);

describeAssembly('Linux, in a network namespace', 'data.qcow2', () => InNamespace.create());

test('guard rules that were flushed are back after one quick look, before anything else was looked at', async () => {
  await using under = await InNamespace.create();
  await under.operate({ name: 'up' });
  const { rules } = (await under.snapshot()) as { readonly rules: unknown };
  await under.deleteRules();
  await under.ask('guard');
  expect(await under.snapshot()).toMatchObject({ rules });
  expect((await under.status()).repairs).toMatchObject([{ id: 'network-firewall', problem: 'missing' }]);
});

/** A machine whose host is a namespace, run by a program in there. */
class InNamespace implements AssemblyUnderTest {
  #requests = 0;

  private constructor(
    readonly namespace: NetworkNamespace,
    readonly program: RunningProgram,
  ) {}

  static async create(): Promise<InNamespace> {
    const script = join(await compiledSupport(), 'test/support/assembly/linux-program.js');
    const namespace = await NetworkNamespace.create('host');
    return new InNamespace(namespace, namespace.start(process.execPath, [script]));
  }

  async ask(what: LinuxRequest['do'], more: Partial<LinuxRequest> = {}): Promise<unknown> {
    const id = ++this.#requests;
    this.program.send(JSON.stringify({ ...more, id, do: what } satisfies LinuxRequest));
    const line = await this.program.line(new RegExp(`^answer ${id} `), 60);
    return JSON.parse(line.replace(/^answer \d+ /, ''));
  }

  async operate(operation: LinuxRequest['operation'], cancelAt?: string): Promise<readonly OperationEvent[]> {
    const request = { ...(operation && { operation }), ...(cancelAt === undefined ? {} : { cancelAt }) };
    return (await this.ask('operate', request)) as readonly OperationEvent[];
  }

  async status(): Promise<MachineStatus> {
    return (await this.ask('status')) as MachineStatus;
  }

  async repair(): Promise<void> {
    await this.ask('repair');
  }

  async restartDaemon(): Promise<void> {
    await this.ask('restart');
  }

  async snapshot(): Promise<unknown> {
    const { vm } = (await this.ask('world')) as { readonly vm: unknown };
    return { ...(await networkOf(this.namespace)), vm };
  }

  async ledger(): Promise<readonly string[]> {
    return (await this.ask('ledger')) as readonly string[];
  }

  async stateFiles(): Promise<readonly string[]> {
    return (await this.ask('files')) as readonly string[];
  }

  async boot(): Promise<unknown> {
    return ((await this.ask('world')) as { readonly boots: number }).boots;
  }

  async deleteRules(): Promise<void> {
    await this.namespace.run('nft', ['flush', 'ruleset']);
  }

  async deleteNetwork(): Promise<void> {
    await this.namespace.ip('link', 'delete', 'mobyvm0');
  }

  async refuseStarts(refuses: boolean): Promise<void> {
    await this.ask(refuses ? 'refuse' : 'allow');
  }

  /** The program ends with its input, and deletes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.program.endInput();
    const late = new AbortController();
    const waited = sleep(END_TIMEOUT_MS, late.signal).catch(() => undefined);
    await Promise.race([this.program.exit, waited]);
    late.abort();
    await this.namespace[Symbol.asyncDispose]();
  }
}
