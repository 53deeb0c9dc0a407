/** The stages that the guest reports on its console, in boot order. */
export const BOOT_STAGES = [
  'initramfs',
  'root',
  'init',
  'drivers',
  'data',
  'network',
  'exchange',
  'config',
  'shares',
  'containerd',
  'dockerd',
  'engine',
  'clock',
  'shutdown',
] as const;

export type BootStageName = (typeof BOOT_STAGES)[number];

/** A line of the form `[mobyvm 12.34] data: mounted /dev/vdb`; an error has `data!:`. */
export interface BootStage {
  /** The guest's uptime, seconds. */
  readonly uptimeSeconds: number;
  /** One of {@link BOOT_STAGES}, or a name from a newer guest. */
  readonly stage: string;
  readonly text: string;
  /** The stage failed; `text` says why. */
  readonly isError: boolean;
}

/** Parses a cleaned console line; undefined if it reports no stage. */
export function parseBootStage(line: string): BootStage | undefined {
  const match = STAGE_LINE.exec(line);
  if (match === null) return undefined;
  const [, uptime = '', stage = '', mark = '', text = ''] = match;
  return { uptimeSeconds: Number(uptime), stage, text: text.trim(), isError: mark === '!' };
}

/** The last stage that the guest reported. */
export function lastBootStage(lines: readonly string[]): BootStage | undefined {
  for (const line of [...lines].reverse()) {
    const stage = parseBootStage(line);
    if (stage !== undefined) return stage;
  }
  return undefined;
}

/**
 * Why the kernel panicked, for example `VFS: Unable to mount root fs`; undefined if the line is not a panic.
 */
export function parseKernelPanic(line: string): string | undefined {
  const match = PANIC_LINE.exec(line);
  return match === null ? undefined : (match[1] ?? '').trim() || 'no reason given';
}

// Not anchored: kernel messages and boot loaders leave the cursor in any column.
const STAGE_LINE = /\[mobyvm (\d{1,9}(?:\.\d{1,6})?)\] ([a-z][a-z0-9-]{0,31})(!?):(.*)$/;
const PANIC_LINE = /Kernel panic - not syncing(?::(.*))?$/;
