import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryLedger, runSteps, silentLogger, type Step } from '../../../src/core/host/index.js';
import { parseSubnet } from '../../../src/core/values/index.js';
import type { PowerShell } from '../../../src/powershell/index.js';
import {
  HypervDriver,
  hypervPreflight,
  windowsNetwork,
  type VmSpec,
  type WindowsNetwork,
  type WindowsNetworkOptions,
} from '../../../src/vm/index.js';
import { SAMPLE_SPEC } from '../vm/sample-spec.js';
import type { SimulatedHost } from './simulated-host.js';

export const SWITCH = 'mobyvm';
const RULES = [
  {
    id: 'dns-udp',
    protocol: 'UDP',
    ports: [53],
    program: 'C:\\Program Files\\mobyvm\\node.exe',
    scope: 'switch',
  },
  { id: 'shares', protocol: 'TCP', ports: [445], program: 'System', scope: 'switch' },
] as const;

export interface WholeMachineOptions {
  readonly spec?: Partial<VmSpec>;
  readonly network?: Partial<WindowsNetworkOptions>;
  readonly lookSeconds?: number;
  /** For starting, saving and stopping; the same as for all else if absent. */
  readonly lifePowerShell?: PowerShell;
}

/** Network and machine on a simulated host, created and removed the way the daemon does it. */
export class WholeMachine {
  readonly ledger = memoryLedger();
  readonly driver: HypervDriver;
  readonly network: WindowsNetwork;
  readonly spec: VmSpec;
  readonly #powerShell: PowerShell;

  private constructor(
    readonly folder: string,
    readonly host: SimulatedHost,
    powerShell: PowerShell,
    more: WholeMachineOptions,
  ) {
    const machineId = randomUUID();
    this.#powerShell = powerShell;
    this.spec = {
      ...{ ...SAMPLE_SPEC, machineId, firmware: 'uefi', isoPath: join(folder, 'mobyvm.iso') },
      dataDisk: { path: join(folder, 'data.vhdx'), sizeGiB: 2 },
      network: { ...SAMPLE_SPEC.network, attachment: SWITCH },
      ...more.spec,
    };
    this.network = windowsNetwork({
      ...{ powerShell, machineId, name: SWITCH, subnet: parseSubnet('10.0.75.0/24'), nat: 'auto' },
      ...{ rules: RULES, ledger: this.ledger, ...more.network },
    });
    this.driver = new HypervDriver({
      powerShell,
      lifePowerShell: more.lifePowerShell ?? powerShell,
      ledger: this.ledger,
      machineId,
      lookSeconds: more.lookSeconds ?? 0.02,
      logger: silentLogger,
      ...{ stateDirectory: join(folder, 'state'), consoleLogPath: join(folder, 'logs/console.log') },
      ...{ consolePipe: join(folder, 'com1.sock'), freeBytes: () => Promise.resolve(1024 ** 3) },
    });
  }

  static async create(
    host: SimulatedHost,
    powerShell: PowerShell,
    more: WholeMachineOptions = {},
  ): Promise<WholeMachine> {
    const folder = await mkdtemp(join(tmpdir(), 'mvh-'));
    mkdirSync(join(folder, 'logs'));
    return new WholeMachine(folder, host, powerShell, more);
  }

  /** All or nothing. */
  async up(spec: VmSpec = this.spec): Promise<void> {
    const { driver, network } = this;
    const steps: readonly Step[] = [
      hypervPreflight(this.#powerShell),
      ...network.steps,
      {
        id: 'vm',
        title: 'virtual machine',
        run: async (context) => {
          await driver.define(spec, context);
          await driver.start(context);
          return 'create';
        },
      },
    ];
    await runSteps(steps, {
      emit: () => undefined,
      signal: new AbortController().signal,
      nowMs: () => performance.now(),
    });
  }

  async uninstall(): Promise<void> {
    const context = { signal: new AbortController().signal, progress: () => undefined };
    await this.driver.remove({ dataDisk: true }, context);
    await this.network.removeAll(context);
  }

  /** Everything on the host, mobyvm's and foreign. */
  async world(): Promise<unknown> {
    const files = readdirSync(this.folder, { recursive: true }).filter((each) => each !== 'logs');
    return {
      host: this.host.snapshot(),
      ledger: await this.ledger.list(),
      files: files.filter((each) => !String(each).startsWith(join('logs', 'console'))),
    };
  }

  async dispose(): Promise<void> {
    await this.driver.close();
    this.host.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
