/** The stages that the guest reports on its console, in the order in which a boot passes them. */
export const BOOT_STAGES = [
  'initramfs',
  'root',
  'init',
  'data',
  'network',
  'config',
  'containerd',
  'engine',
  'clock',
  'shutdown',
] as const;

export type BootStageName = (typeof BOOT_STAGES)[number];

/** One line of the form `[mobyvm 12.34] data: mounted /dev/vdb`; an error has `data!:`. */
export interface BootStage {
  /** The guest's uptime, seconds. */
  readonly uptimeSeconds: number;
  /** One of {@link BOOT_STAGES}, or a name that a newer guest uses. */
  readonly stage: string;
  readonly text: string;
  /** The stage failed; `text` says why. */
  readonly isError: boolean;
}

/** Reads a cleaned console line; undefined when it reports no stage. */
export function parseBootStage(line: string): BootStage | undefined {
  const match = STAGE_LINE.exec(line);
  if (match === null) return undefined;
  const [, uptime = '', stage = '', mark = '', text = ''] = match;
  return { uptimeSeconds: Number(uptime), stage, text: text.trim(), isError: mark === '!' };
}

/** The stage that the guest reported last. */
export function lastBootStage(lines: readonly string[]): BootStage | undefined {
  for (const line of [...lines].reverse()) {
    const stage = parseBootStage(line);
    if (stage !== undefined) return stage;
  }
  return undefined;
}

/** Why the kernel panicked, for example `VFS: Unable to mount root fs`; undefined when the line tells of no panic. */
export function parseKernelPanic(line: string): string | undefined {
  const match = PANIC_LINE.exec(line);
  return match === null ? undefined : (match[1] ?? '').trim() || 'no reason given';
}

// Not anchored: kernel messages and boot loaders leave the cursor wherever they like.
const STAGE_LINE = /\[mobyvm (\d{1,9}(?:\.\d{1,6})?)\] ([a-z][a-z0-9-]{0,31})(!?):(.*)$/;
const PANIC_LINE = /Kernel panic - not syncing(?::(.*))?$/;
