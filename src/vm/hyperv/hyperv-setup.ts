import { join, resolve } from 'node:path';
import { z } from 'zod';
import { freeBytesIn, StateFile, type Logger } from '../../core/host/index.js';
import type { PowerShell } from '../../powershell/index.js';
import { ConsoleLog } from '../console/index.js';
import { tagOf } from '../network/ownership.plan.js';
import { Definition, DEFINITION_REMEDY, Spec } from '../definition.js';

export interface HypervDriverOptions {
  readonly powerShell: PowerShell;
  readonly machineId: string;
  /** The machine's own folder; `remove()` takes it away, the data disk excepted if it lies in it. */
  readonly stateDirectory: string;
  readonly consoleLogPath: string;
  /** The named pipe on which Hyper-V serves the machine's COM 1, for example `\\.\pipe\mobyvm_console`. */
  readonly consolePipe: string;
  readonly logger: Logger;
  /** Seconds between two looks at a running machine; 5 if absent. */
  readonly lookSeconds?: number;
  /** How many bytes may still be written in a folder; asks the file system if absent. */
  readonly freeBytes?: (directory: string) => Promise<number>;
}

/** Everything that belongs to one machine of this driver, in one place. */
export interface HypervSetup {
  readonly powerShell: PowerShell;
  readonly logger: Logger;
  readonly machineId: string;
  /** What our machine's notes say. */
  readonly tag: string;
  readonly stateDirectory: string;
  /** In which Hyper-V keeps our machine's configuration, and nobody else's. */
  readonly folder: string;
  readonly consolePipe: string;
  readonly console: ConsoleLog;
  readonly definition: StateFile<Definition>;
  /** What the machine that runs, or is saved, was started with. */
  readonly started: StateFile<Definition>;
  /** Hyper-V's GUID of our machine. */
  readonly identity: StateFile<MachineIdentity>;
  readonly lookSeconds: number;
  readonly freeBytes: (directory: string) => Promise<number>;
}

const MachineIdentity = z.object({ format: z.literal(1), vmId: z.uuid() });
type MachineIdentity = z.infer<typeof MachineIdentity>;

export function hypervSetup(options: HypervDriverOptions): HypervSetup {
  const { powerShell, logger, machineId, consolePipe } = options;
  const stateDirectory = resolve(options.stateDirectory);
  return {
    ...{ powerShell, logger, machineId, consolePipe, stateDirectory },
    tag: tagOf(machineId),
    folder: join(stateDirectory, 'hyperv'),
    console: new ConsoleLog({ logPath: resolve(options.consoleLogPath), logger }),
    definition: new StateFile({
      path: join(stateDirectory, 'definition.json'),
      schema: Definition,
      remedy: DEFINITION_REMEDY,
    }),
    started: new StateFile({
      path: join(stateDirectory, 'started.json'),
      schema: z.object({ format: z.literal(1), spec: Spec }),
    }),
    identity: new StateFile({ path: join(stateDirectory, 'vm.json'), schema: MachineIdentity }),
    lookSeconds: options.lookSeconds ?? 5,
    freeBytes: options.freeBytes ?? freeBytesIn,
  };
}
