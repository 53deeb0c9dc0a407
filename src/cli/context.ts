import type { AskedProbe } from '../protocol/diagnosis-questions.js';
import type { MobyvmError } from '../core/values/index.js';
import type { Finding } from '../protocol/messages.js';
import type { InstancePaths } from '../protocol/paths.js';
import type { HostPlatform, Rights } from '../protocol/platform.js';
import type { ByteStreams } from './byte-streams.js';
import type { Terminal } from './terminal.js';

/** What every command gets; made once in main.ts. */
export interface CommandContext {
  readonly paths: InstancePaths;
  readonly platform: HostPlatform;
  readonly rights: Pick<Rights, 'remedy'>;
  readonly terminal: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly commandLine: string;
  readonly pid: number;
  /** Aborted at the first Ctrl-C. */
  readonly interrupted: AbortSignal;
  readonly input: Input;
  /** Standard input and output of a command that passes bytes on. */
  readonly bytes: ByteStreams;
  /** The folder of the installed package: docs, guest recipes, scripts. */
  readonly packageDir: string;
  readonly daemon: DaemonProgram;
}

/** Standard input. */
export interface Input {
  readonly isTerminal: boolean;
  /** All of it, without a final line break. @throws MobyvmError MOBYVM_USAGE when it is too long, or neither UTF-8 nor UTF-16 */
  read(): Promise<string>;
  /** One line, for the answer to a question; empty at the end of the input. */
  readLine(signal: AbortSignal): Promise<string>;
  /** Likewise, without showing what is typed. */
  readHidden(signal: AbortSignal): Promise<string>;
}

/** A command's exit code; errors are thrown and rendered in one place. */
export type CommandResult = Promise<number>;

/** What a command cannot ask a daemon for, because there may be none. The daemon's side of the program provides it. */
export interface DaemonProgram {
  /** Runs the daemon in this process until it ends. @returns the exit code */
  run(options: DaemonOptions): Promise<number>;
  /** Starts a daemon that outlives this process, without starting the VM. */
  startInBackground(options: BackgroundOptions): Promise<StartingDaemon>;
  /** The process that is the daemon, whether it answers or not. */
  holder(): Promise<DaemonProcess | undefined>;
  isAlive(process: DaemonProcess): Promise<boolean>;
  /** How many things that mobyvm created are still on this host. */
  leftovers(): Promise<number>;
  /** The path of the data disk in that state folder, if there is one. */
  dataDisk(stateDir: string): Promise<string | undefined>;
  /** Since when the VM of that state folder is saved, and what it takes on disk; undefined if it is not saved. */
  savedVm(stateDir: string): Promise<SavedVm | undefined>;
  /** @param machine what the daemon says, if one runs */
  examineHost(): Promise<readonly Finding[]>;
  /** Collects what there is to know about this host and its machine, with the answers of a daemon. */
  diagnose(options: { readonly asked: readonly AskedProbe[] }): Promise<Diagnosis>;
  /** The Windows service that the daemon runs in. @throws MobyvmError MOBYVM_PLATFORM on other systems */
  service(): Promise<ServiceControl>;
  /** @returns the image's folder */
  buildImage(options: { readonly recipe: string; readonly onLine: (line: string) => void }): Promise<string>;
}

export interface SavedVm {
  /** ISO 8601. */
  readonly at: string;
  /** Size of the file with its memory; undefined if that is not known. */
  readonly bytes?: number | undefined;
  /** The network namespace that it ran in, if any. */
  readonly namespace?: string | undefined;
}

/** As the lock names it. */
export interface DaemonProcess {
  readonly pid: number;
  readonly startTime: string;
}

export interface DaemonOptions {
  readonly namespace: string | undefined;
  readonly startsMachine: boolean;
  readonly isBackground: boolean;
  readonly isInside: boolean;
}

export interface BackgroundOptions {
  readonly namespace: string | undefined;
  /** Wrong settings are reported before anything is started. */
  readonly checksSettings: boolean;
}

export interface StartingDaemon {
  /** Why the daemon did not start; undefined as long as it may still come. */
  failure(): Promise<MobyvmError | undefined>;
}

export interface Diagnosis {
  /** A zip file; secrets in it are masked. */
  readonly file: Uint8Array;
  readonly probes: readonly {
    readonly id: string;
    readonly title: string;
    readonly verdict: 'ok' | 'absent' | 'failed' | 'late';
    readonly reason: string;
    readonly durationMs: number;
  }[];
}

export interface ServiceControl {
  /** Also over an older one; a running one is started again. */
  install(): Promise<'created' | 'changed'>;
  /** @returns false if there was none */
  uninstall(): Promise<boolean>;
  /** @returns false if it was running already */
  start(): Promise<boolean>;
  /** @returns false if it was not running */
  stop(): Promise<boolean>;
  /** Undefined if it is not installed. */
  status(): Promise<ServiceStatus | undefined>;
}

export interface ServiceStatus {
  readonly state:
    'stopped' | 'startPending' | 'stopPending' | 'running' | 'continuePending' | 'pausePending' | 'paused';
  readonly pid: number | undefined;
  /** Of its last process. */
  readonly exitCode: number;
  readonly startsWithWindows: boolean;
}
