import { errnoOf, MobyvmError, textOf, type ErrorCode } from '../core/values/index.js';
import { portOwner } from './port-owner.js';

export interface WantedPort {
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  /** Who wanted it, as the subject of a sentence: "The DNS server". */
  readonly who: string;
  /** For every other failure than a port in use. */
  readonly code: ErrorCode;
}

/** SerialQueue a failed bind or listen into the error to throw: MOBYVM_PORT_IN_USE names the program that has the port. */
export async function bindError(wanted: WantedPort, error: unknown): Promise<MobyvmError> {
  const where = placeOf(wanted);
  switch (errnoOf(error)) {
    case 'EADDRINUSE':
      return portInUseError(wanted, error);
    case 'EADDRNOTAVAIL':
      return new MobyvmError(
        wanted.code,
        `${wanted.who} cannot listen on ${where}: this machine does not have the address.`,
        'Start mobyvm again, so that it sets the switch and its address up.',
        { cause: error },
      );
    case 'EACCES':
    case 'EPERM':
      return new MobyvmError(
        'MOBYVM_NOT_ROOT',
        `${wanted.who} may not listen on ${where}.`,
        'Run the daemon as root, or as administrator.',
        { cause: error },
      );
    default:
      return new MobyvmError(
        wanted.code,
        `${wanted.who} cannot listen on ${where}: ${textOf(error)}.`,
        'See whether the address is there (`ip addr`); `mobyvm down` and `mobyvm up` set it up anew.',
        { cause: error },
      );
  }
}

/** MOBYVM_PORT_IN_USE with the name and pid of the program that has the port, if they can be found. */
export async function portInUseError(wanted: WantedPort, cause?: unknown): Promise<MobyvmError> {
  const owner = await portOwner(wanted.protocol, wanted.port, wanted.address);
  const by = owner === undefined ? 'another program' : `"${owner.name}" (pid ${owner.pid})`;
  return new MobyvmError(
    'MOBYVM_PORT_IN_USE',
    `${wanted.who} cannot listen on ${placeOf(wanted)}: ${by} has it.`,
    owner === undefined
      ? 'Find the program that listens there and stop it, or keep it off the switch’s address.'
      : `Stop ${by}, or tell it not to listen on ${wanted.address}, then start mobyvm again.`,
    {
      cause,
      details: {
        protocol: wanted.protocol,
        port: wanted.port,
        ...(owner === undefined ? {} : { pid: owner.pid, program: owner.name }),
      },
    },
  );
}

function placeOf(wanted: WantedPort): string {
  return `${wanted.protocol.toUpperCase()} port ${wanted.port} of ${wanted.address}`;
}
