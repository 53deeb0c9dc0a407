import type { Readable } from 'node:stream';
import { writeAll } from '../core/host/index.js';
import type { ShellSize } from '../protocol/shell-messages.js';

/** Standard input and output as bytes, for a command that passes them on. */
export interface ByteStreams {
  /** The user's terminal; undefined unless input and output are both one. */
  readonly screen: Screen | undefined;
  /** @param raw every key is passed on as it is, Ctrl-C too; only with a screen */
  openInput(options: { readonly raw: boolean }): ByteInput;
  /** Resolves when more may be written. @throws when nobody reads it any more */
  write(stream: 'stdout' | 'stderr', bytes: Uint8Array): Promise<void>;
}

export interface Screen {
  size(): ShellSize;
  /** @returns the unsubscribe function */
  onResize(listener: () => void): () => void;
}

export interface ByteInput {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Ends the reading, and restores the terminal. */
  close(): void;
}

export interface ProcessStreams {
  readonly stdin: Readable & { readonly isTTY?: boolean; readonly setRawMode?: (isRaw: boolean) => unknown };
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** Of terminals that do not say how large they are. */
const USUAL_SIZE: ShellSize = { columns: 80, rows: 24 };

export function processByteStreams({ stdin, stdout, stderr }: ProcessStreams): ByteStreams {
  const isScreen = stdin.isTTY === true && stdout.isTTY;
  return {
    screen: isScreen ? screenOf(stdout) : undefined,
    openInput({ raw }) {
      if (raw) stdin.setRawMode?.(true);
      return {
        chunks: stdin,
        close() {
          if (raw) stdin.setRawMode?.(false);
          stdin.destroy();
        },
      };
    },
    write: (stream, bytes) => writeAll(stream === 'stdout' ? stdout : stderr, bytes),
  };
}

function screenOf(stdout: NodeJS.WriteStream): Screen {
  return {
    size() {
      const { columns, rows } = stdout;
      return columns > 0 && rows > 0 ? { columns, rows } : USUAL_SIZE;
    },
    onResize(listener) {
      stdout.on('resize', listener);
      return () => void stdout.off('resize', listener);
    },
  };
}
