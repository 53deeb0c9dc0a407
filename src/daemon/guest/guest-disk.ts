import { sleep, timeLimit, type Logger } from '../../core/host/index.js';
import { textOf } from '../../core/values/index.js';
import { decodeDiskUse, DISK_NAME, type DiskUse, type KvpExchange } from '../../kvp/index.js';
import { diskObstacles } from './disk-obstacles.plan.js';

export interface GuestDiskOptions {
  readonly exchange: Pick<KvpExchange, 'get'>;
  readonly logger: Logger;
  /** 30,000 if absent. The guest itself looks every 30 s. */
  readonly everyMs?: number;
}

const LOOK_MS = 20_000;

/** Follows how full the guest's data disk is, and logs when it becomes too full. */
export class GuestDisk {
  readonly #options: GuestDiskOptions;
  #use: DiskUse | undefined;
  #known = new Set<string>();

  constructor(options: GuestDiskOptions) {
    this.#options = options;
  }

  /** What the guest reported last; undefined until then, and if its agent does not report it. */
  get use(): DiskUse | undefined {
    return this.#use;
  }

  /** Until the signal; never throws. */
  async follow(signal: AbortSignal): Promise<void> {
    for (;;) {
      await sleep(this.#options.everyMs ?? 30_000, signal).catch(() => undefined);
      if (signal.aborted) return;
      await this.#look(signal);
    }
  }

  /** The guest is gone. */
  reset(): void {
    this.#use = undefined;
    this.#known.clear();
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { exchange, logger } = this.#options;
    try {
      const within = timeLimit(LOOK_MS, signal);
      const value = await exchange.get('guest', DISK_NAME, within);
      if (signal.aborted || value === undefined) return;
      this.#use = decodeDiskUse(value);
      const found = diskObstacles(this.#use);
      for (const { id, problem, remedy } of found)
        if (!this.#known.has(id)) logger.warn('guest.disk.full', { problem, remedy });
      this.#known = new Set(found.map(({ id }) => id));
    } catch (error) {
      if (!signal.aborted) logger.debug('guest.disk.unread', { reason: textOf(error) });
    }
  }
}
