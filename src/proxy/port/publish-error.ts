import { errnoOf, MobyvmError, textOf } from '../../core/values/index.js';
import { portOwner } from '../port-owner.js';
import { placeText, type PortRequest } from './port-request.js';

/** Windows keeps ranges of ports for itself (`netsh interface ipv4 show excludedportrange`); elsewhere there are none. */
export type ReservedRange = (protocol: 'tcp' | 'udp', port: number) => Promise<string | undefined>;

/**
 * SerialQueue a failed listen into the error that `docker run` shows: Docker's own words, and after them what Docker does not know.
 * @param address that could not be listened on; the sentence names the one that was asked for
 */
export async function publishError(
  request: PortRequest,
  address: string,
  { error, reservedRange }: { readonly error: unknown; readonly reservedRange?: ReservedRange | undefined },
): Promise<MobyvmError> {
  const { protocol, hostIp, hostPort } = request;
  const place = placeText(hostIp, hostPort);
  const listen = `listen ${protocol} ${place}: bind`;
  switch (errnoOf(error)) {
    case 'EADDRINUSE': {
      const owner = await portOwner(protocol, hostPort, isEverywhere(address) ? undefined : address);
      const by =
        owner === undefined
          ? 'another program'
          : owner.pid === process.pid
            ? 'mobyvm itself'
            : `"${owner.name}" (pid ${owner.pid})`;
      return refusal(`Bind for ${place} failed: port is already allocated (on the host, by ${by})`, error);
    }
    case 'EADDRNOTAVAIL':
    case 'EINVAL':
      return refusal(`${listen}: cannot assign requested address (the host does not have it)`, error);
    case 'EACCES':
    case 'EPERM': {
      const range = await reservedRange?.(protocol, hostPort);
      const why = range === undefined ? '' : ` (the host's system has reserved the ports ${range})`;
      return refusal(`Bind for ${place} failed: permission denied${why}`, error);
    }
    default:
      return refusal(`${listen}: ${textOf(error)}`, error);
  }
}

/** @param message a sentence without its period, as Docker's are */
export function refusal(message: string, cause?: unknown): MobyvmError {
  return new MobyvmError('MOBYVM_PORT_PUBLISH', message, 'Choose another host port, or free this one.', {
    cause,
  });
}

function isEverywhere(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}
