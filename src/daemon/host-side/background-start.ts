/** A daemon to be started in the background. */
export interface BackgroundDaemon {
  /** The program and its arguments. */
  readonly command: readonly [program: string, ...args: string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute path of the file to which its output is appended. */
  readonly outputFile: string;
}

export interface StartedBackground {
  /** Undefined while it runs. */
  readonly exitCode: number | undefined;
}

/**
 * How a platform starts a daemon that outlives the command that needs it: as a process of its own on Linux, as a
 * service on Windows. `test/contract/background-start.ts` is the behaviour that each implementation has.
 */
export interface BackgroundStart {
  /** Before anything is prepared for the start. @throws MobyvmError MOBYVM_PLATFORM when there is no way here */
  check(): void;
  /** @throws MobyvmError MOBYVM_PROGRAM_MISSING, or what `check` throws */
  start(daemon: BackgroundDaemon): Promise<StartedBackground>;
}
