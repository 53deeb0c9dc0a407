import { MobyvmError, textOf } from '../../core/values/index.js';
import { ownerText } from '../bind-error.js';
import { joinHostPort } from '../endpoint.js';
import type { PortFacts } from '../port-facts.js';
import type { OwnServer } from './own-server.js';
import type { PortRequest } from './port-request.js';

/**
 * The error that `docker run` shows for a failed listen: Docker's own wording, followed by what Docker cannot
 * know.
 * @param address that could not be listened on; the message names the requested one
 */
export async function publishError(
  request: PortRequest,
  address: string,
  {
    error,
    portFacts,
    ownServer,
  }: { readonly error: unknown; readonly portFacts: PortFacts; readonly ownServer?: OwnServer | undefined },
): Promise<MobyvmError> {
  const { protocol, hostIp, hostPort } = request;
  const requested = joinHostPort(hostIp, hostPort);
  const failure = await portFacts.bindFailure({ protocol, address, port: hostPort }, error);
  switch (failure.kind) {
    case 'in-use': {
      const isOurs = failure.owner?.pid === process.pid;
      const by = ownServer?.name ?? (isOurs ? 'mobyvm itself' : ownerText(failure.owner));
      return notPublishedError(
        `Bind for ${requested} failed: port is already allocated (on the host, by ${by})`,
        error,
      );
    }
    case 'reserved':
      return notPublishedError(
        `Bind for ${requested} failed: permission denied (the host's system has reserved ports ` +
          `${failure.first}-${failure.last})`,
        error,
      );
    case 'no-address':
      return notPublishedError(
        `listen ${protocol} ${requested}: bind: cannot assign requested address (the host does not have it)`,
        error,
      );
    case 'not-permitted':
      return notPublishedError(`Bind for ${requested} failed: permission denied`, error);
    case 'other':
      return notPublishedError(`listen ${protocol} ${requested}: bind: ${textOf(error)}`, error);
  }
}

/** @param message without a period, like Docker's */
export function notPublishedError(message: string, cause?: unknown): MobyvmError {
  return new MobyvmError('MOBYVM_PORT_PUBLISH', message, 'Choose another host port, or free this one.', {
    cause,
  });
}
