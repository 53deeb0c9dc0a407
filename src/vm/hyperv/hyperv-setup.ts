import { join, resolve } from 'node:path';
import { z } from 'zod';
import { freeBytesIn, StateFile, type Ledger, type LedgerEntry, type Logger } from '../../core/host/index.js';
import type { PowerShell } from '../../powershell/index.js';
import { ConsoleLog } from '../console/index.js';
import { tagOf } from '../network/ownership.plan.js';
import { definitionFile, startedFile, type Definition } from '../definition.js';

export interface HypervDriverOptions {
  /** For whatever is quick: it must not wait behind {@link lifePowerShell}. */
  readonly powerShell: PowerShell;
  /** For calls that may take minutes: starting, saving and stopping the machine. */
  readonly lifePowerShell: PowerShell;
  readonly machineId: string;
  /** Remembers that the machine is ours; written before it is created and deleted after it is gone. */
  readonly ledger: Ledger;
  /** The machine's own folder; `remove()` deletes it, except for the data disk. */
  readonly stateDirectory: string;
  readonly consoleLogPath: string;
  /** The named pipe on which Hyper-V serves the machine's COM 1, for example `\\.\pipe\mobyvm_console`. */
  readonly consolePipe: string;
  readonly logger: Logger;
  /** How often a running machine is checked, seconds; 5 if absent. */
  readonly lookSeconds?: number;
  /** How many bytes may still be written in a folder; asks the file system if absent. */
  readonly freeBytes?: (directory: string) => Promise<number>;
}

/** Everything that belongs to one machine of this driver. */
export interface HypervSetup {
  readonly powerShell: PowerShell;
  readonly lifePowerShell: PowerShell;
  readonly ledger: Ledger;
  /** The machine in the ledger. */
  readonly entry: LedgerEntry;
  readonly logger: Logger;
  readonly machineId: string;
  /** In the notes of our machine. */
  readonly tag: string;
  readonly stateDirectory: string;
  /** Holds only this machine's configuration. */
  readonly folder: string;
  readonly consolePipe: string;
  readonly console: ConsoleLog;
  readonly definition: StateFile<Definition>;
  /** The specification with which the running or saved machine was started. */
  readonly started: StateFile<Definition>;
  /** Hyper-V's GUID of our machine. */
  readonly identity: StateFile<MachineIdentity>;
  readonly lookSeconds: number;
  readonly freeBytes: (directory: string) => Promise<number>;
}

const MachineIdentity = z.object({ format: z.literal(1), vmId: z.uuid() });
type MachineIdentity = z.infer<typeof MachineIdentity>;

export function hypervSetup(options: HypervDriverOptions): HypervSetup {
  const { machineId, logger } = options;
  const stateDirectory = resolve(options.stateDirectory);
  return {
    powerShell: options.powerShell,
    lifePowerShell: options.lifePowerShell,
    ledger: options.ledger,
    entry: { kind: 'hyperv-vm', name: machineId },
    logger,
    machineId,
    consolePipe: options.consolePipe,
    stateDirectory,
    tag: tagOf(machineId),
    folder: join(stateDirectory, 'hyperv'),
    console: new ConsoleLog({ logPath: resolve(options.consoleLogPath), logger }),
    definition: definitionFile(stateDirectory),
    started: startedFile(stateDirectory),
    identity: new StateFile({ path: join(stateDirectory, 'vm.json'), schema: MachineIdentity }),
    lookSeconds: options.lookSeconds ?? 5,
    freeBytes: options.freeBytes ?? freeBytesIn,
  };
}
