import { sleep, type Logger } from '../../core/host/index.js';
import { isAbort, textOf } from '../../core/values/index.js';
import type { EngineClient } from '../../proxy/index.js';
import {
  heldContainers,
  isBelow,
  type HeldContainer,
  type StoppedContainer,
} from './held-containers.plan.js';

export interface HeldContainersOptions {
  readonly engine: Pick<EngineClient, 'stoppedContainers' | 'inspectContainer' | 'startContainer'>;
  readonly logger: Logger;
  /** {@link RETRY_AFTER_MS} if absent. */
  readonly retryAfterMs?: readonly number[];
}

const RETRY_AFTER_MS = [2_000, 5_000, 10_000, 30_000, 60_000];

/** Containers with a restart policy that the engine could not start because a share was not mounted. */
export class HeldContainers {
  readonly #options: HeldContainersOptions;

  constructor(options: HeldContainersOptions) {
    this.#options = options;
  }

  /**
   * @param points where the share is mounted in the VM
   * @throws MobyvmError MOBYVM_ENGINE_UNREACHABLE
   */
  async list(points: readonly string[], signal: AbortSignal): Promise<readonly HeldContainer[]> {
    const { engine } = this.#options;
    const stopped: StoppedContainer[] = [];
    for (const { Id, Mounts } of await engine.stoppedContainers(signal)) {
      const isAffected = (Mounts ?? []).some(({ Source = '' }) =>
        points.some((point) => isBelow(Source, point)),
      );
      if (!isAffected) continue;
      const container = await engine.inspectContainer(Id, signal);
      // It was removed in the meantime.
      if (container === undefined) continue;
      stopped.push({
        id: container.Id,
        name: container.Name.replace(/^\//, ''),
        status: container.State.Status,
        error: container.State.Error ?? '',
        restartPolicy: container.HostConfig.RestartPolicy?.Name ?? '',
        bindSources: (container.Mounts ?? [])
          .filter(({ Type }) => Type === 'bind')
          .map(({ Source = '' }) => Source),
      });
    }
    return heldContainers(stopped, points);
  }

  /**
   * The share works again: starts what waited for it. One that cannot be started does not keep the others from it, and is
   * tried again for a while: an engine that is busy, or restarting, refuses what it can do later.
   * @returns those that were started
   */
  async start(points: readonly string[], signal: AbortSignal): Promise<readonly HeldContainer[]> {
    const { retryAfterMs = RETRY_AFTER_MS } = this.#options;
    const started: HeldContainer[] = [];
    for (const waitMs of [0, ...retryAfterMs]) {
      if (waitMs > 0) await sleep(waitMs, signal);
      if (await this.#startAll(points, started, signal)) break;
    }
    return started;
  }

  /** @returns whether nothing waits any more */
  async #startAll(
    points: readonly string[],
    started: HeldContainer[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const { engine, logger } = this.#options;
    let isComplete = true;
    const failed = (
      event: 'share.container.unstarted' | 'share.containers.unlisted',
      error: unknown,
      details: { readonly name?: string } = {},
    ): void => {
      if (isAbort(error) || signal.aborted) throw error;
      isComplete = false;
      logger.warn(event, { ...details, reason: textOf(error) });
    };
    try {
      for (const held of await this.list(points, signal)) {
        try {
          await engine.startContainer(held.id, signal);
          started.push(held);
          logger.info('share.container.started', { name: held.name });
        } catch (error) {
          failed('share.container.unstarted', error, { name: held.name });
        }
      }
    } catch (error) {
      failed('share.containers.unlisted', error);
    }
    return isComplete;
  }
}
