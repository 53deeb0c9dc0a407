import { isIpv4, parseIpv6 } from '../../core/values/index.js';
import type { Endpoint } from '../../proxy/index.js';

const DNS_PORT = 53;

/**
 * A DNS server as settings name it: `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `fe80::1%eth0`,
 * `[2001:db8::1]:5353`. Undefined for anything else.
 */
export function parseServer(text: string): Endpoint | undefined {
  if (isAddress6(text)) return { address: text, port: DNS_PORT };
  const [, bracketed, bare, digits] = /^(?:\[([^\]]+)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const port = digits === undefined ? DNS_PORT : Number(digits);
  if (port < 1 || port > 65_535) return undefined;
  if (bare !== undefined && isIpv4(bare)) return { address: bare, port };
  return bracketed !== undefined && isAddress6(bracketed) ? { address: bracketed, port } : undefined;
}

function isAddress6(text: string): boolean {
  const [, address, zone] = /^([^%]+)(%[\w.-]{1,32})?$/.exec(text) ?? [];
  return (
    address !== undefined &&
    parseIpv6(address) !== undefined &&
    (zone === undefined || /^fe[89ab]/i.test(address))
  );
}
