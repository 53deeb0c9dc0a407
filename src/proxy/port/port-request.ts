/** One port that a container publishes, in the words of dockerd's call of its proxy. */
export interface PortRequest {
  readonly protocol: 'tcp' | 'udp';
  /** As in `-p IP:…`: `0.0.0.0` and `::` are two requests, as dockerd makes them. */
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerIp: string;
  readonly containerPort: number;
  /** The guest's port that leads to the container, where the host port itself does not (see `guestPort`). */
  readonly relayPort: number | undefined;
}

/** An engine never gives the same one to two containers. */
export type PortKey = string;

export function portKey({
  protocol,
  hostIp,
  hostPort,
}: Pick<PortRequest, 'protocol' | 'hostIp' | 'hostPort'>): PortKey {
  return `${protocol} ${placeText(hostIp, hostPort)}`;
}

/** `0.0.0.0:80`, `[::]:80`. */
export function placeText(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
