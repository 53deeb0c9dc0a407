import { z } from 'zod';
import { dnsStatus } from './dns-messages.js';
import { LOG_LEVELS } from './log-record.js';
import {
  containerListing,
  errorReport,
  leaseListing,
  machineStats,
  machineStatus,
  operationEvent,
  portListing,
  vmUsage,
} from './messages.js';
import { shareListing } from './share-messages.js';

/** Messages of the event stream; see event-stream.ts for its address. */

export const topic = z.enum([
  'status',
  'operation',
  'usage',
  'stats',
  'ports',
  'containers',
  'shares',
  'leases',
  'dns',
  'log',
  'console',
  'output',
]);
export type Topic = z.infer<typeof topic>;

/** Replaces the topics of a client; the present state of each new one is sent at once. */
export const watchRequest = z.strictObject({
  watch: z.array(topic).max(topic.options.length),
  /** The container that the topic `output` is about: its id or name. */
  container: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]{0,254}$/)
    .optional(),
});
export type WatchRequest = z.infer<typeof watchRequest>;

export const logRecord = z.object({
  /** ISO 8601. */
  time: z.string(),
  level: z.enum(LOG_LEVELS),
  /** Dotted and lower case: `part.thing.happened`. */
  event: z.string(),
  fields: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});
export type LogRecord = z.infer<typeof logRecord>;

export const outputLine = z.object({
  /** ISO 8601. */
  at: z.string().optional(),
  stream: z.enum(['stdout', 'stderr']),
  /** Without colours and control characters. */
  text: z.string(),
});
export type OutputLine = z.infer<typeof outputLine>;

/** True for the latest lines that are sent when a client begins to watch. */
const isFirst = z.boolean();

export const serverEvent = z.discriminatedUnion('type', [
  /** The first message. */
  z.object({ type: z.literal('hello'), version: z.string() }),
  /** The topics of a request are watched from now on. */
  z.object({ type: z.literal('watching'), topics: z.array(topic) }),
  /** Sent every few seconds: the daemon is there, and what was sent before still holds. */
  z.object({ type: z.literal('alive') }),
  z.object({ type: z.literal('status'), status: machineStatus }),
  /** Of the operation that was requested with that id. The last one is `operation.done` or `operation.failed`. */
  z.object({ type: z.literal('operation'), id: z.uuid(), event: operationEvent }),
  z.object({ type: z.literal('usage'), usage: vmUsage }),
  /** Sent every second, also if nothing has changed. */
  z.object({ type: z.literal('stats'), stats: machineStats }),
  z.object({ type: z.literal('ports'), ...portListing.shape }),
  z.object({ type: z.literal('containers'), ...containerListing.shape }),
  z.object({ type: z.literal('shares'), ...shareListing.shape }),
  z.object({ type: z.literal('leases'), ...leaseListing.shape }),
  z.object({ type: z.literal('dns'), dns: dnsStatus }),
  z.object({ type: z.literal('log'), records: z.array(logRecord), isFirst }),
  /** Lines of the VM's console, without control characters. */
  z.object({ type: z.literal('console'), lines: z.array(z.string()), isFirst }),
  /** What a container prints. Of many lines at once the earlier ones are left out, and counted. */
  z.object({
    type: z.literal('output'),
    container: z.string(),
    lines: z.array(outputLine),
    omitted: z.int(),
    isFirst,
  }),
  /** The container has ended: it prints nothing more. */
  z.object({ type: z.literal('output-end'), container: z.string() }),
  /** Why there is nothing to send about a topic for now, such as the DNS server of a VM that is off. */
  z.object({ type: z.literal('unavailable'), topic, error: errorReport }),
]);
export type ServerEvent = z.infer<typeof serverEvent>;
