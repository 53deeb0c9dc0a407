import { z } from 'zod';

/** About the DNS server that containers use; see messages.ts for the requests. */

export const dnsQuery = z.strictObject({
  name: z.string().max(1_000),
  /** Addresses if absent, or the name if `name` is an address. */
  type: z.string().max(20).optional(),
});
export type DnsQuery = z.infer<typeof dnsQuery>;

const answeredBy = z.discriminatedUnion('kind', [
  /** By mobyvm itself: a name of the machine, the hosts file, the settings, or a name that is never asked for. */
  z.object({ kind: z.literal('rule'), rule: z.string() }),
  z.object({ kind: z.literal('cache'), ageSeconds: z.number(), isStale: z.boolean() }),
  z.object({
    kind: z.literal('upstream'),
    server: z.string(),
    /** The domain in `network.dnsDomains` that the server is for. */
    domain: z.string().optional(),
  }),
  z.object({ kind: z.literal('nobody'), reason: z.string() }),
]);

export const dnsAnswer = z.object({
  name: z.string(),
  type: z.string(),
  rcode: z.string(),
  answers: z.array(z.object({ name: z.string(), ttl: z.number(), type: z.string(), data: z.string() })),
  answeredBy,
  milliseconds: z.number(),
});
export type DnsAnswer = z.infer<typeof dnsAnswer>;

export const dnsStatus = z.object({
  servers: z.array(
    z.object({
      server: z.string(),
      domain: z.string().optional(),
      /** Asked only if all others have failed. */
      isLastResort: z.boolean(),
      state: z.enum(['untried', 'ok', 'failing']),
      latencyMs: z.number().optional(),
      sent: z.int(),
      answered: z.int(),
      failed: z.int(),
      /** When it last did not answer, ISO 8601. */
      lastFailure: z.string().optional(),
    }),
  ),
  searchDomains: z.array(z.string()),
  cache: z.object({
    entries: z.int(),
    bytes: z.int(),
    hits: z.int(),
    misses: z.int(),
    /** Answers that had run out and were given because no server answered. */
    stale: z.int(),
    evicted: z.int(),
  }),
  hosts: z.object({ hostsFile: z.int(), settings: z.int() }),
  queries: z.object({
    total: z.int(),
    waiting: z.int(),
    failed: z.int(),
    /** Because their source asked too much. */
    refused: z.int(),
    dropped: z.int(),
  }),
});
export type DnsStatus = z.infer<typeof dnsStatus>;
