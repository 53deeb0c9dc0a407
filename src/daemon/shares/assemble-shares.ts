import type { Logger } from '../../core/host/index.js';
import type { InstancePaths } from '../../protocol/paths.js';
import type { Dial, EngineClient } from '../../proxy/index.js';
import type { CredentialStore, startLinkServer } from '../../share/index.js';
import type { MachinePlatform } from '../host-side/machine-platform.js';
import { HeldContainers, KvpGuestMounts, startFileEvents } from './index.js';
import { ShareServices, type ShareServicesOptions } from './share-services.js';

export interface ShareParts {
  readonly paths: InstancePaths;
  readonly credentials: CredentialStore;
  readonly token: () => string | undefined;
  readonly onToken: (isRight: boolean) => void;
  /** To the engine in the VM. */
  readonly dial: Dial;
  readonly engine: EngineClient;
  readonly startLinks: typeof startLinkServer;
  readonly logger: Logger;
}

/** Assembles the shares of a machine from the parts of its platform and those that all platforms share. */
export function shareServices(platform: MachinePlatform, parts: ShareParts): ShareServices {
  const { paths, credentials, token, onToken, engine, startLinks, logger } = parts;
  return new ShareServices({
    rule: platform.name,
    sharesFile: paths.sharesFile,
    fileServer: platform.fileServer,
    fileServerPorts: platform.fileServerPorts,
    mounts: new KvpGuestMounts({ exchange: platform.exchange, logger }),
    held: new HeldContainers({ engine, logger }),
    credentials,
    token,
    onToken,
    checkMs: Math.round(platform.checks.repair.shortMs / 2),
    startLinks,
    startFileEvents: fileEventsOf(platform, parts),
    logger,
  });
}

function fileEventsOf(
  { watchFiles }: MachinePlatform,
  { engine, dial, logger }: ShareParts,
): ShareServicesOptions['startFileEvents'] {
  if (watchFiles === undefined) return undefined;
  return (shares) =>
    startFileEvents({
      watcher: watchFiles,
      dial,
      containers: (signal) => engine.containers(signal),
      shares,
      logger,
    });
}
