/** An address to send to or connect to. */
export interface Endpoint {
  /** IPv4 or IPv6, the latter with `%zone` where it needs one. */
  readonly address: string;
  readonly port: number;
}

/** `192.0.2.1:80`, `[::]:80`. */
export function joinHostPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
