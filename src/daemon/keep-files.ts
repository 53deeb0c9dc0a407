import type { Logger } from '../core/host/index.js';
import { textOf } from '../core/values/index.js';

/** Something that lives behind a file which others may delete: a cleaner of old files, an `rm -rf` of the run folder. */
export interface Restorable {
  /** Makes the file anew when it is gone. True when it was. */
  restore(): Promise<boolean>;
}

const LOOK_EVERY_MS = 2_000;

/**
 * Looks after files of the run folder as long as the daemon lives: without them nobody could reach it, nor start another.
 * @returns ends it, when the last look is over
 */
export function keepFiles(
  files: Readonly<Record<string, Restorable>>,
  logger: Logger,
  everyMs = LOOK_EVERY_MS,
): () => Promise<void> {
  const failures = new Map<string, string>();
  const look = async (): Promise<void> => {
    for (const [name, file] of Object.entries(files)) {
      try {
        if (await file.restore()) logger.warn('daemon.file.restored', { name });
        failures.delete(name);
      } catch (error) {
        // Each trouble once: it may last.
        const reason = textOf(error);
        if (failures.get(name) !== reason) logger.error('daemon.file.lost', { name, reason });
        failures.set(name, reason);
      }
    }
  };
  let looking: Promise<void> | undefined;
  const timer = setInterval(() => {
    looking ??= look().finally(() => {
      looking = undefined;
    });
  }, everyMs);
  return async () => {
    clearInterval(timer);
    await looking;
  };
}
