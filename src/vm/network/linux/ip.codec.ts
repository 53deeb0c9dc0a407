/**
 * Parses the output of iproute2's `ip -json …` (ip-link(8), ip-address(8), ip-route(8), ip-netns(8)). There
 * is no published schema: unused members are ignored, used ones are checked.
 */
import { z } from 'zod';
import {
  CodecError,
  isIpv4,
  parseMac,
  subnetAround,
  type Ipv4,
  type Mac,
  type Subnet,
} from '../../../core/values/index.js';

/** Far above any real host; a longer list is rejected. */
const MAX_ROWS = 100_000;

export interface HostLink {
  readonly name: string;
  /** Alternative names, which also prevent a new link of that name. */
  readonly altNames: readonly string[];
  /** `bridge`, `tun`, `veth`, …; undefined for physical devices. */
  readonly kind: string | undefined;
  readonly isTap: boolean;
  /** Free text, used as an ownership tag. */
  readonly alias: string | undefined;
  readonly mac: Mac | undefined;
  readonly up: boolean;
  /** The bridge that it is a port of. */
  readonly master: string | undefined;
  /** Bridges only. */
  readonly stp: boolean | undefined;
  /** Bridges only, in hundredths of a second. */
  readonly forwardDelay: number | undefined;
}

export interface HostAddress {
  readonly device: string;
  readonly address: Ipv4;
  readonly prefixLength: number;
}

export interface HostRoute {
  readonly destination: Subnet;
  /** `unicast`, `local`, `broadcast`, `blackhole`, `unreachable`, `prohibit`, `throw`, … */
  readonly type: string;
  /** Empty for a route without a device; several for a multipath route. */
  readonly devices: readonly string[];
}

/** A link as far as its packets' size goes. */
export interface LinkMtu {
  readonly name: string;
  readonly mtuBytes: number;
  readonly isPointToPoint: boolean;
}

const LINK_MTU = z.object({
  ifname: z.string().min(1),
  mtu: z.int().positive(),
  flags: z.array(z.string()),
});

const LINK = z.object({
  ifname: z.string().min(1),
  altnames: z.array(z.string()).optional(),
  ifalias: z.string().optional(),
  address: z.string().optional(),
  master: z.string().optional(),
  flags: z.array(z.string()),
  linkinfo: z
    .object({
      info_kind: z.string().optional(),
      info_data: z
        .object({
          type: z.unknown().optional(),
          stp_state: z.number().optional(),
          forward_delay: z.number().optional(),
        })
        .optional(),
    })
    .optional(),
});

const ADDRESSES = z.object({ ifname: z.string().min(1), addr_info: z.array(z.unknown()) });

const FAMILY = z.object({ family: z.string() });

const IPV4_ADDRESS = z.object({
  local: z.string().refine(isIpv4),
  prefixlen: z.int().min(0).max(32),
});

const ROUTE = z.object({
  type: z.string().optional(),
  dst: z.string(),
  dev: z.string().optional(),
  nexthops: z.array(z.object({ dev: z.string().optional() })).optional(),
});

const NAMESPACE = z.object({ name: z.string().min(1) });

/** `ip -json -details link show`. @throws CodecError */
export function decodeLinks(text: string): readonly HostLink[] {
  return rows(LINK, text, 'links').map((link) => {
    const data = link.linkinfo?.info_data;
    return {
      name: link.ifname,
      altNames: link.altnames ?? [],
      kind: link.linkinfo?.info_kind,
      isTap: link.linkinfo?.info_kind === 'tun' && data?.type === 'tap',
      alias: link.ifalias === '' ? undefined : link.ifalias,
      mac: link.address === undefined ? undefined : macOrUndefined(link.address),
      up: link.flags.includes('UP'),
      master: link.master,
      stp: data?.stp_state === undefined ? undefined : data.stp_state !== 0,
      forwardDelay: data?.forward_delay,
    };
  });
}

/** `ip -json link show`. @throws CodecError */
export function decodeMtus(text: string): readonly LinkMtu[] {
  return rows(LINK_MTU, text, 'links').map(({ ifname, mtu, flags }) => ({
    name: ifname,
    mtuBytes: mtu,
    isPointToPoint: flags.includes('POINTOPOINT'),
  }));
}

/** `ip -json -4 address show`. @throws CodecError */
export function decodeAddresses(text: string): readonly HostAddress[] {
  return rows(ADDRESSES, text, 'addresses').flatMap(({ ifname, addr_info }) =>
    addr_info
      .filter((info) => !isDropped(info) && check(FAMILY, info, 'addr_info').family === 'inet')
      .map((info) => check(IPV4_ADDRESS, info, 'addr_info'))
      .map(({ local, prefixlen }) => ({ device: ifname, address: local, prefixLength: prefixlen })),
  );
}

/** `ip -json -4 route show table all`. A default route has the destination 0.0.0.0/0. @throws CodecError */
export function decodeRoutes(text: string): readonly HostRoute[] {
  return rows(ROUTE, text, 'routes').map((route) => ({
    destination: destination(route.dst),
    type: route.type ?? 'unicast',
    devices: [route, ...(route.nexthops ?? [])].flatMap(({ dev }) => (dev === undefined ? [] : [dev])),
  }));
}

/** `ip -json netns list`. @throws CodecError */
export function decodeNamespaces(text: string): readonly string[] {
  return rows(NAMESPACE, text, 'namespaces').map(({ name }) => name);
}

function rows<Row extends z.ZodType>(row: Row, text: string, field: string): readonly z.infer<Row>[] {
  // Some versions print nothing instead of an empty list.
  if (text.trim() === '') return [];
  const list = check(z.array(z.unknown()).max(MAX_ROWS), json(text, field), field);
  return list.filter((value) => !isDropped(value)).map((value) => check(row, value, field));
}

function check<Schema extends z.ZodType>(schema: Schema, value: unknown, field: string): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new CodecError(field, 0, z.prettifyError(parsed.error));
  return parsed.data;
}

/** `ip` prints `{}` for an entry that its own filter dropped. */
function isDropped(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function json(text: string, field: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CodecError(field, 0, 'is not JSON');
  }
}

function destination(text: string): Subnet {
  if (text === 'default') return subnetAround('0.0.0.0' as Ipv4, 0);
  const [address = '', prefix = '32', ...rest] = text.split('/');
  if (rest.length > 0 || !isIpv4(address) || !/^\d{1,2}$/.test(prefix) || Number(prefix) > 32) {
    throw new CodecError('dst', 0, `"${text}" is neither "default" nor an IPv4 network`);
  }
  return subnetAround(address, Number(prefix));
}

/** Links other than Ethernet (tunnels) have addresses of other forms. */
function macOrUndefined(text: string): Mac | undefined {
  return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text) ? parseMac(text) : undefined;
}
