import type { ListenLocally, Logger } from '../../core/host/index.js';
import { textOf } from '../../core/values/index.js';
import { cmdlet, type PowerShell } from '../../powershell/index.js';

/** What New-LocalGroup takes at most: 256 characters. */
const DESCRIPTION =
  'Members may use the Docker Engine of mobyvm, and with it have all rights on this computer.';
const CREATE_SECONDS = 20;

export interface EngineGroupOptions {
  readonly listen: ListenLocally;
  readonly exists: (name: string) => boolean;
  /** Opened only if there is no such group, and closed again. */
  readonly powerShell: (logger: Logger) => PowerShell;
}

/**
 * Listens as `listen` does, and creates the group that an endpoint admits if there is none, so that an administrator only has to
 * add members. It is never removed: it has members then, and other programs use a group of this name. Without it administrators
 * and the user who has installed mobyvm are admitted.
 *
 * @see https://learn.microsoft.com/powershell/module/microsoft.powershell.localaccounts/new-localgroup
 */
export function withEngineGroup({ listen, exists, powerShell }: EngineGroupOptions): ListenLocally {
  const tried = new Map<string, Promise<void>>();

  async function create(name: string, logger: Logger): Promise<void> {
    const session = powerShell(logger);
    try {
      const call = cmdlet('New-LocalGroup', { Name: name, Description: DESCRIPTION });
      await session.run([call], {
        signal: new AbortController().signal,
        timeoutSeconds: CREATE_SECONDS,
      });
      logger.info('engine.group.created', { group: name });
    } catch (error) {
      logger.warn('engine.group.failed', { group: name, reason: textOf(error) });
    } finally {
      await session.close();
    }
  }

  return async (options) => {
    const { access, logger } = options;
    if (access.kind === 'group' && !exists(access.name)) {
      const creation = tried.get(access.name) ?? create(access.name, logger);
      tried.set(access.name, creation);
      await creation;
    }
    return listen(options);
  };
}
