import { readFile, stat } from 'node:fs/promises';
import { Listeners, sleep } from '../../core/host/index.js';
import { isAbort, textOf } from '../../core/values/index.js';

export interface FollowedFileOptions<Value> {
  /** May be a symbolic link whose target changes: it is resolved at every check. */
  readonly path: string;
  /** Longer files are cut there. */
  readonly maxBytes: number;
  /** Undefined text: the file is missing or cannot be read, for `reason`. */
  readonly parse: (text: string | undefined, reason: string | undefined) => Value;
  /** Milliseconds between checks; 2,000 if absent. */
  readonly everyMs?: number;
}

/** What a file says, read again whenever it changes. */
export interface FollowedFile<Value> {
  readonly value: Value;
  /** Called after `value` has changed. Returns the unsubscribe function. */
  onChange(listener: () => void): () => void;
  /** Repeatable. */
  close(): Promise<void>;
}

/**
 * Reads a file and follows it by polling: file events would miss a link whose target is replaced. The value
 * changes only if the file's bytes do.
 */
export async function followFile<Value>(options: FollowedFileOptions<Value>): Promise<FollowedFile<Value>> {
  const { path, maxBytes, parse, everyMs = 2_000 } = options;
  const closing = new AbortController();
  const changes = new Listeners();
  let fingerprint = await fingerprintOf(path);
  let content = await contentOf(path, maxBytes);
  let value = parse(content.text, content.reason);
  const check = async (): Promise<void> => {
    const now = await fingerprintOf(path);
    if (now === fingerprint) return;
    fingerprint = now;
    const found = await contentOf(path, maxBytes);
    const isSame = found.text === content.text && found.reason === content.reason;
    content = found;
    if (isSame || closing.signal.aborted) return;
    value = parse(found.text, found.reason);
    changes.emit();
  };
  const poll = async (): Promise<void> => {
    for (;;) {
      await sleep(everyMs, closing.signal);
      await check();
    }
  };
  const polling = poll().catch((error: unknown) => {
    if (!isAbort(error)) throw error;
  });
  return {
    get value() {
      return value;
    },
    onChange: (listener) => changes.add(listener),
    close: async () => {
      closing.abort();
      await polling;
    },
  };
}

interface Content {
  readonly text: string | undefined;
  readonly reason: string | undefined;
}

async function contentOf(path: string, maxBytes: number): Promise<Content> {
  try {
    const bytes = await readFile(path);
    return { text: bytes.subarray(0, maxBytes).toString('utf8'), reason: undefined };
  } catch (error) {
    return { text: undefined, reason: textOf(error) };
  }
}

/** Changes when the file changes, or when a link leads to another one. */
async function fingerprintOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(path);
    return [dev, ino, size, mtimeMs, ctimeMs].join(' ');
  } catch (error) {
    return textOf(error);
  }
}
