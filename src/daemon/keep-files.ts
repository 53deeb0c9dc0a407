import type { Logger } from '../core/host/index.js';
import { textOf } from '../core/values/index.js';

/**
 * Something that clients find by a file, which others may delete: tmpfiles cleaners, `rm -rf` of the run
 * folder.
 */
export interface Restorable {
  /** Recreates the file if it is gone. @returns whether it was recreated */
  restore(): Promise<boolean>;
}

const CHECK_EVERY_MS = 2_000;

/**
 * Restores the files of the run folder for as long as the daemon runs: without them nobody could reach it,
 * and another daemon could start beside it.
 * @returns stops it, and resolves when the last check is over
 */
export function keepFiles(
  files: Readonly<Record<string, Restorable>>,
  logger: Logger,
  everyMs = CHECK_EVERY_MS,
): () => Promise<void> {
  const failures = new Map<string, string>();
  const check = async (): Promise<void> => {
    for (const [name, file] of Object.entries(files)) {
      try {
        if (await file.restore()) logger.warn('daemon.file.restored', { name });
        failures.delete(name);
      } catch (error) {
        // Logged once, not at every check.
        const reason = textOf(error);
        if (failures.get(name) !== reason) logger.error('daemon.file.lost', { name, reason });
        failures.set(name, reason);
      }
    }
  };
  let checking: Promise<void> | undefined;
  const timer = setInterval(() => {
    checking ??= check().finally(() => {
      checking = undefined;
    });
  }, everyMs);
  return async () => {
    clearInterval(timer);
    await checking;
  };
}
