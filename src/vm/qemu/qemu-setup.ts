import { rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import {
  freeBytesIn,
  makeFolder,
  posixProtection,
  readFileIfPresent,
  StateFile,
  statIfPresent,
  type Logger,
} from '../../core/host/index.js';
import { ConsoleLog } from '../console/index.js';
import { AcceleratorChoice } from './accelerator.js';
import type { Accelerator, MachineFiles } from './command-line.plan.js';
import { definitionFile, removeFolderIfEmpty, type Definition } from '../definition.js';
import { MachineRecord, SavedState } from './machine-record.js';

export interface QemuDriverOptions {
  /**
   * The machine's folder for everything that outlives a reboot: definition, saved memory, UEFI variables.
   * Created if missing; `remove()` deletes it if it holds nothing else.
   */
  readonly stateDirectory: string;
  /**
   * The machine's folder for its sockets, likewise. Keep the path short: a socket path is limited to 107
   * bytes.
   */
  readonly runDirectory: string;
  readonly consoleLogPath: string;
  /** QEMU's own output since its last start. */
  readonly qemuLogPath: string;
  readonly logger: Logger;
  /** Finds a running machine even if its files are missing or corrupt. */
  readonly machineId?: string;
  /** Uses this accelerator without testing it, unless the specification names one. */
  readonly forcedAccelerator?: Accelerator | undefined;
  /** A command to run QEMU with, for example `ip netns exec NAME`. It must end in an exec. */
  readonly commandPrefix?: readonly string[];
  /** Defaults to `qemu-system-x86_64`. */
  readonly qemuProgram?: string;
  /** Defaults to `qemu-img`. */
  readonly qemuImgProgram?: string;
  /** Free bytes in a folder; asks the file system by default. */
  readonly freeBytes?: (directory: string) => Promise<number>;
}

/** Everything that belongs to one machine of this driver. */
export interface QemuSetup {
  readonly logger: Logger;
  readonly machineId: string | undefined;
  readonly console: ConsoleLog;
  readonly accelerator: AcceleratorChoice;
  readonly qemuProgram: string;
  readonly qemuImgProgram: string;
  readonly commandPrefix: readonly string[];
  readonly definition: StateFile<Definition>;
  readonly record: StateFile<MachineRecord>;
  readonly saved: StateFile<SavedState>;
  readonly memoryPath: string;
  readonly memorySocket: string;
  readonly uefiVariablesPath: string;
  readonly files: MachineFiles;
  readonly stateDirectory: string;
  readonly runDirectory: string;
  readonly freeBytes: (directory: string) => Promise<number>;
}

export function qemuSetup(options: QemuDriverOptions): QemuSetup {
  const { logger, forcedAccelerator } = options;
  const stateDirectory = resolve(options.stateDirectory);
  const runDirectory = resolve(options.runDirectory);
  const consoleLog = resolve(options.consoleLogPath);
  const qemuProgram = options.qemuProgram ?? 'qemu-system-x86_64';
  const commandPrefix = options.commandPrefix ?? [];
  return {
    logger,
    machineId: options.machineId,
    console: new ConsoleLog({ logPath: consoleLog, logger }),
    accelerator: new AcceleratorChoice({ qemuProgram, commandPrefix, logger, forced: forcedAccelerator }),
    qemuProgram,
    qemuImgProgram: options.qemuImgProgram ?? 'qemu-img',
    commandPrefix,
    definition: definitionFile(stateDirectory),
    record: new StateFile({ path: join(stateDirectory, 'machine.json'), schema: MachineRecord }),
    saved: new StateFile({ path: join(stateDirectory, 'saved.json'), schema: SavedState }),
    memoryPath: join(stateDirectory, 'memory.saved'),
    memorySocket: join(runDirectory, 'memory.sock'),
    uefiVariablesPath: join(stateDirectory, 'uefi-variables.fd'),
    files: {
      qmpSocket: join(runDirectory, 'qmp.sock'),
      consoleSocket: join(runDirectory, 'console.sock'),
      consoleLog,
      kvpSocket: join(runDirectory, 'kvp.sock'),
      pidFile: join(runDirectory, 'qemu.pid'),
      qemuLog: resolve(options.qemuLogPath),
    },
    stateDirectory,
    runDirectory,
    freeBytes: options.freeBytes ?? freeBytesIn,
  };
}

/**
 * Creates the folders that QEMU writes to. They are for root only: access to the sockets means control of the
 * machine.
 */
export async function makeFolders(setup: QemuSetup): Promise<void> {
  for (const folder of [setup.stateDirectory, setup.runDirectory]) {
    await posixProtection.folder(folder, 'private');
  }
  for (const file of [setup.files.consoleLog, setup.files.qemuLog]) {
    await makeFolder(dirname(file));
  }
}

/** Removes what a process leaves behind when it has ended, including its folder. */
export async function removeRunFiles(setup: QemuSetup): Promise<void> {
  const { consoleSocket, kvpSocket, pidFile, qmpSocket } = setup.files;
  const leftovers = [qmpSocket, consoleSocket, kvpSocket, pidFile, setup.memorySocket, setup.record.path];
  await Promise.all(leftovers.map((path) => rm(path, { force: true })));
  await removeFolderIfEmpty(setup.runDirectory);
}

/** True if there is a saved memory, also if its description is damaged: that is found when it is restored. */
export async function hasSaved({ saved }: QemuSetup): Promise<boolean> {
  return (await statIfPresent(saved.path)) !== undefined;
}

/** Without its description the saved memory is meaningless, so the description is removed first. */
export async function discardSaved(setup: QemuSetup): Promise<void> {
  await setup.saved.remove();
  await rm(setup.memoryPath, { force: true });
  await rm(partialMemoryPath(setup), { force: true });
}

export function partialMemoryPath(setup: QemuSetup): string {
  return `${setup.memoryPath}.partial`;
}

/** Everything else that the driver creates, except the data disk. */
export async function removeStateFiles(setup: QemuSetup): Promise<void> {
  await setup.definition.remove();
  await rm(setup.uefiVariablesPath, { force: true });
  await rm(setup.files.qemuLog, { force: true });
  await removeFolderIfEmpty(setup.stateDirectory);
}

/** The last line that QEMU wrote, without the program name; empty if it wrote nothing. */
export async function lastQemuMessage(setup: QemuSetup): Promise<string> {
  const text = (await readFileIfPresent(setup.files.qemuLog)) ?? '';
  return (
    text
      .slice(-4_096)
      .trim()
      .split('\n')
      .at(-1)
      ?.replace(/^qemu-system-\w+: /, '') ?? ''
  );
}

/** Whose files only processes of this machine have in their arguments. */
export function foldersOf({ stateDirectory, runDirectory }: QemuSetup): readonly string[] {
  return [stateDirectory, runDirectory];
}
