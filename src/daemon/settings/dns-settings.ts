import { z } from 'zod';
import { isIpv4, parseIpv6 } from '../../core/values/index.js';
import { isDomain } from '../host-side/search-domains.plan.js';
import { parseServer } from './dns-server-address.plan.js';

const MAX_SERVERS = 8;
const MAX_DOMAINS = 256;
const MAX_HOSTS = 1_000;
const MAX_ADDRESSES = 16;

/** `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:5353`. */
const server = z
  .string()
  .refine(
    (text) => parseServer(text) !== undefined,
    'must be an IPv4 or IPv6 address, with a port if it is not 53: 192.0.2.1, 192.0.2.1:5353, [2001:db8::1]:5353',
  );

export const dnsServers = z.array(server).max(MAX_SERVERS);

const OWN = ['localhost', 'mobyvm.internal', 'docker.internal'];

const domain = z
  .string()
  .transform((text) => text.toLowerCase().replace(/\.$/, ''))
  .refine(isDomain, 'must be a domain name such as corp.example, without a wildcard')
  .refine(
    (text) => !OWN.some((own) => text === own || text.endsWith(`.${own}`)),
    `must not be in ${OWN.join(', ')}: mobyvm answers these itself`,
  );

export const dnsDomains = z
  .record(domain, dnsServers.min(1))
  .refine((value) => Object.keys(value).length <= MAX_DOMAINS, `must have at most ${MAX_DOMAINS} domains`);

const address = z
  .string()
  .refine((text) => isIpv4(text) || parseIpv6(text) !== undefined, 'must be an IPv4 or IPv6 address');

const hostName = z
  .string()
  .transform((text) => text.toLowerCase().replace(/\.$/, ''))
  .refine(isDomain, 'must be a host name such as db.test, without a wildcard')
  .refine(
    (text) => text !== 'localhost' && !text.endsWith('.localhost'),
    'must not be localhost: that is the container itself',
  );

export const dnsHosts = z
  .record(
    hostName,
    z.union([address, z.array(address).min(1).max(MAX_ADDRESSES)], {
      error: `must be an IPv4 or IPv6 address, or a list of 1 to ${MAX_ADDRESSES}`,
    }),
  )
  .refine((value) => Object.keys(value).length <= MAX_HOSTS, `must have at most ${MAX_HOSTS} names`);
