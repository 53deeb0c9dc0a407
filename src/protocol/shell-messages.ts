import { z } from 'zod';
import { errorAnswer } from './messages.js';

/**
 * `POST /v1/shell` with `Upgrade: mobyvm-shell`. After the 101 both sides send frames (stream-frame.codec.ts). The end
 * of the input is a frame, because named pipes of Windows have no half-close. A client that goes away ends its command.
 */
export const SHELL_PATH = '/v1/shell';
export const SHELL_UPGRADE = 'mobyvm-shell';

/** Types of the frames that the client sends: one OPEN, then the rest in any order. */
export const FROM_CLIENT = {
  /** JSON: ShellOpen */
  OPEN: 0,
  INPUT: 1,
  INPUT_END: 2,
  /** JSON: ShellSize */
  SIZE: 3,
} as const;

/** Types of the frames that the daemon sends; the last one is EXIT or FAILURE. */
export const FROM_DAEMON = {
  /** The command runs. */
  OPENED: 0,
  STDOUT: 1,
  STDERR: 2,
  /** JSON: ShellExit */
  EXIT: 3,
  /** JSON: as the answer of a request that failed */
  FAILURE: 4,
} as const;

const size = { columns: z.int().min(1).max(10_000), rows: z.int().min(1).max(10_000) };

export const shellSize = z.strictObject(size);
export type ShellSize = z.infer<typeof shellSize>;

export const shellOpen = z.strictObject({
  /** A program and its arguments; root's shell if empty. */
  command: z.array(z.string().max(131_072)).max(1_000),
  /** Absent for plain streams. */
  terminal: z.strictObject({ type: z.string().regex(/^[A-Za-z0-9+_.-]{1,64}$/), ...size }).optional(),
});
export type ShellOpen = z.infer<typeof shellOpen>;

export const shellFailure = errorAnswer;
export const shellExit = z.object({ exitCode: z.int().min(0).max(255) });
