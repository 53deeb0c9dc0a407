import { MobyvmError, textOf, type ErrorCode } from '../core/values/index.js';
import type { PortAddress, PortFacts, PortOwner } from './port-facts.js';

export interface WantedPort extends PortAddress {
  /** Who wanted it, as the subject of a sentence: "The DNS server". */
  readonly who: string;
  /** For failures without a specific code. */
  readonly code: ErrorCode;
}

/** The error to throw for a failed bind or listen. MOBYVM_PORT_IN_USE names the program that has the port. */
export async function bindError(
  wanted: WantedPort,
  error: unknown,
  portFacts: PortFacts,
): Promise<MobyvmError> {
  const { who, code } = wanted;
  const where = whereOf(wanted);
  const cause = { cause: error };
  const failure = await portFacts.bindFailure(wanted, error);
  switch (failure.kind) {
    case 'in-use':
      return portInUseError(wanted, failure.owner, error);
    case 'reserved':
      return new MobyvmError(
        code,
        `${who} cannot listen on ${where}: the system has reserved ports ${failure.first}-${failure.last}.`,
        'Free this range of reserved ports, or restart the host so that the system reserves other ports.',
        cause,
      );
    case 'no-address':
      return new MobyvmError(
        code,
        `${who} cannot listen on ${where}: this host does not have the address.`,
        'Run `mobyvm down` and then `mobyvm up` to set up the network again.',
        cause,
      );
    case 'not-permitted':
      return new MobyvmError(
        'MOBYVM_NOT_ROOT',
        `${who} is not permitted to listen on ${where}.`,
        'Run the daemon as root, or as an administrator on Windows.',
        cause,
      );
    case 'other':
      return new MobyvmError(
        code,
        `${who} cannot listen on ${where}: ${textOf(error)}.`,
        'Run `mobyvm down` and then `mobyvm up` to set up the network again.',
        cause,
      );
  }
}

export function portInUseError(
  wanted: WantedPort,
  owner: PortOwner | undefined,
  cause?: unknown,
): MobyvmError {
  const { protocol, address, port, who } = wanted;
  const by = ownerText(owner);
  return new MobyvmError(
    'MOBYVM_PORT_IN_USE',
    `${who} cannot listen on ${whereOf(wanted)}: it is in use by ${by}.`,
    owner === undefined
      ? `Find the program that uses this port and stop it, or configure it not to listen on ${address}.`
      : `Stop ${by}, or configure it not to listen on ${address}, then run the command again.`,
    {
      cause,
      details: {
        protocol,
        port,
        ...(owner === undefined ? {} : { pid: owner.pid, program: owner.name }),
      },
    },
  );
}

export function ownerText(owner: PortOwner | undefined): string {
  return owner === undefined ? 'another program' : `"${owner.name}" (pid ${owner.pid})`;
}

function whereOf({ protocol, address, port }: PortAddress): string {
  return `${protocol.toUpperCase()} port ${port} of ${address}`;
}
