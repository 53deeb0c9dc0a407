import type { Logger } from '../../core/host/index.js';
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
}

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
   * The share works again: starts what waited for it. One that cannot be started does not keep the others from it.
   * @returns those that were started
   */
  async start(points: readonly string[], signal: AbortSignal): Promise<readonly HeldContainer[]> {
    const { engine, logger } = this.#options;
    const started: HeldContainer[] = [];
    for (const held of await this.list(points, signal)) {
      try {
        await engine.startContainer(held.id, signal);
        started.push(held);
        logger.info('share.container.started', { name: held.name });
      } catch (error) {
        if (isAbort(error) || signal.aborted) throw error;
        logger.warn('share.container.unstarted', { name: held.name, reason: textOf(error) });
      }
    }
    return started;
  }
}
