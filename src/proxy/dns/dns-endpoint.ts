/** A resolver to forward to. */
export interface DnsEndpoint {
  /** IPv4 or IPv6, the latter with `%zone` where it needs one. */
  readonly address: string;
  readonly port: number;
}

export function endpointText(endpoint: DnsEndpoint): string {
  const { address, port } = endpoint;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
