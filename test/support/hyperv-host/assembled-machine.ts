import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { posixProtection, silentLogger, sleep } from '../../../src/core/host/index.js';
import { parseMac } from '../../../src/core/values/index.js';
import { assembleMachine, type AssembledMachine } from '../../../src/daemon/machine/assemble.js';
import type { Operation, OperationEvent } from '../../../src/daemon/machine/operation.js';
import { windowsMachine } from '../../../src/daemon/windows/windows-machine.js';
import { settingsSchema } from '../../../src/daemon/settings/schema.js';
import { linuxPortFacts } from '../../../src/daemon/linux/port-facts.js';
import { PowerShellSessions } from '../../../src/powershell/index.js';
import { linuxPaths, type InstancePaths } from '../../../src/protocol/paths.js';
import { fakeEngine, type FakeEngine } from '../engine-fake.js';
import { FakeServices } from '../fake-services.js';
import { CallCount } from './counting-power-shell.js';
import { SimulatedGuest } from './simulated-guest.js';
import type { SimulatedHost } from './simulated-host.js';
import { SimulatedPowerShell } from './simulated-power-shell.js';

const ME = { pid: 1, command: 'mobyvm test' };

/**
 * The product's own `Machine` on a simulated Windows host: its Hyper-V driver, network and key-value exchange, with a
 * simulated guest. What the Windows host still lacks is faked: servers on its addresses, and the way to the engine.
 */
export class SimulatedAssembly implements AsyncDisposable {
  readonly services = new FakeServices();
  /** Bodies of the requests that the guest's agent answered. */
  readonly requests: string[] = [];

  readonly paths: InstancePaths;
  /** PowerShell calls so far. */
  readonly calls = new CallCount();

  private constructor(
    readonly folder: string,
    readonly host: SimulatedHost,
    readonly engine: FakeEngine,
    readonly lookSeconds: number,
  ) {
    const paths = linuxPaths({
      MOBYVM_STATE_DIR: join(folder, 'state'),
      MOBYVM_RUN_DIR: join(folder, 'run'),
      MOBYVM_LOG_DIR: join(folder, 'log'),
      MOBYVM_SETTINGS: join(folder, 'settings.json'),
    });
    this.paths = { ...paths, vmConsole: join(folder, 'com1.sock') };
  }

  #assembled: AssembledMachine | undefined;

  get machine() {
    if (this.#assembled === undefined) throw new TypeError('call start first');
    return this.#assembled.machine;
  }

  /** @param lookSeconds between two looks of the driver at a running VM */
  static async create(host: SimulatedHost, lookSeconds = 0.02): Promise<SimulatedAssembly> {
    const folder = await mkdtemp(join(tmpdir(), 'mva-'));
    const assembly = new SimulatedAssembly(folder, host, await fakeEngine(), lookSeconds);
    writeImage(assembly.paths.imageDir);
    mkdirSync(assembly.paths.logDir, { recursive: true });
    host.network.tentativeLooks = 0;
    host.guest = new SimulatedGuest({
      requests: ['mobyvm.config', 'mobyvm.time'],
      answer: (name) => {
        assembly.requests.push(name);
        return { ok: true };
      },
    });
    assembly.#start();
    return assembly;
  }

  /** A new daemon over what the last one left. */
  async restartDaemon(): Promise<void> {
    await this.#assembled?.close();
    this.#start();
  }

  async operate(operation: Operation): Promise<readonly OperationEvent[]> {
    const events: OperationEvent[] = [];
    await this.machine.operate(operation, ME, (event) => events.push(event));
    return events;
  }

  /** Waits until PowerShell has not been called for a while: facts and time are exchanged after an `up`. */
  async settled(): Promise<void> {
    for (let last = -1; last !== this.calls.total;) {
      last = this.calls.total;
      await sleep(500);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#assembled?.close();
    this.host.close();
    await this.engine[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #start(): void {
    const platform = windowsMachine({
      sessions: new PowerShellSessions(() => this.calls.over(new SimulatedPowerShell(this.host.answer))),
      program: 'C:\\Program Files\\mobyvm\\node.exe',
      portFacts: linuxPortFacts,
      joinPath: join,
      driver: { lookSeconds: this.lookSeconds, freeBytes: () => Promise.resolve(1024 ** 3) },
    });
    this.#assembled = assembleMachine(
      platform,
      {
        paths: this.paths,
        files: posixProtection,
        settings: settingsSchema.parse({}),
        identity: { machineId: MACHINE_ID, mac: parseMac('02:00:0a:00:4b:02') },
        namespace: undefined,
        logger: silentLogger,
        pid: process.pid,
        isBackground: true,
        applySettings: () => undefined,
      },
      { services: this.services, dial: this.engine.dial },
    );
  }
}

const MACHINE_ID = randomUUID();

/** A boot image that passes its check. */
function writeImage(folder: string): void {
  const iso = 'not really an ISO';
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'mobyvm.iso'), iso);
  const sha256 = createHash('sha256').update(iso).digest('hex');
  const files = { 'mobyvm.iso': { size: iso.length, sha256 } };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ schemaVersion: 1, recipe: 'test', files }));
}
