import { joinHostPort } from '../endpoint.js';

/** One port that a container publishes, as dockerd describes it to its userland proxy. */
export interface PortRequest {
  readonly protocol: 'tcp' | 'udp';
  /** As in `-p IP:…`. `0.0.0.0` and `::` are two requests, as dockerd makes them. */
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerIp: string;
  readonly containerPort: number;
  /** A port of the guest that leads to the container where the host port itself does not; see `Publisher`. */
  readonly relayPort: number | undefined;
}

/** Identifies a published port: an engine never gives the same one to two containers. */
export type PortKey = string;

export function portKey({
  protocol,
  hostIp,
  hostPort,
}: Pick<PortRequest, 'protocol' | 'hostIp' | 'hostPort'>): PortKey {
  return `${protocol} ${joinHostPort(hostIp, hostPort)}`;
}
