import { z } from 'zod';
import { logRecord, outputLine, serverEvent, watchRequest } from './control-events.js';
import { dnsAnswer, dnsQuery, dnsStatus } from './dns-messages.js';
import {
  cancelAnswer,
  containerListing,
  daemonInfo,
  dashboardAnswer,
  diagnosisAnswer,
  doneAnswer,
  errorAnswer,
  errorReport,
  finding,
  hostReport,
  kvpListing,
  kvpRemoveRequest,
  kvpSetAnswer,
  kvpSetRequest,
  leaseListing,
  machineStats,
  machineStatus,
  operationAnswer,
  operationEvent,
  operationRequest,
  portListing,
  publishedPort,
  settingsAnswer,
  settingsRequest,
  tokenAnswer,
  vmUsage,
} from './messages.js';
import {
  listedShare,
  shareAddRequest,
  shareCheck,
  shareCredentialsRequest,
  shareListing,
  shareNameRequest,
  shareOffers,
  shareRemoved,
} from './share-messages.js';

/** A JSON Schema, as far as messages of the control API use it. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | false;
}

/** What messages are called in documents. */
const NAMED: Readonly<Record<string, z.ZodType>> = {
  DaemonInfo: daemonInfo,
  MachineStatus: machineStatus,
  OperationRequest: operationRequest,
  OperationAnswer: operationAnswer,
  OperationEvent: operationEvent,
  CancelAnswer: cancelAnswer,
  HostReport: hostReport,
  Finding: finding,
  PortListing: portListing,
  PublishedPort: publishedPort,
  LeaseListing: leaseListing,
  DnsStatus: dnsStatus,
  DnsQuery: dnsQuery,
  DnsAnswer: dnsAnswer,
  ShareListing: shareListing,
  Share: listedShare,
  ShareAddRequest: shareAddRequest,
  ShareNameRequest: shareNameRequest,
  ShareCredentialsRequest: shareCredentialsRequest,
  ShareRemoved: shareRemoved,
  ShareOffers: shareOffers,
  ShareCheck: shareCheck,
  KvpListing: kvpListing,
  KvpSetRequest: kvpSetRequest,
  KvpSetAnswer: kvpSetAnswer,
  KvpRemoveRequest: kvpRemoveRequest,
  VmUsage: vmUsage,
  MachineStats: machineStats,
  ContainerListing: containerListing,
  Settings: settingsAnswer,
  SettingsRequest: settingsRequest,
  Diagnosis: diagnosisAnswer,
  DashboardAnswer: dashboardAnswer,
  TokenAnswer: tokenAnswer,
  Done: doneAnswer,
  WatchRequest: watchRequest,
  ServerEvent: serverEvent,
  LogRecord: logRecord,
  OutputLine: outputLine,
  ErrorAnswer: errorAnswer,
  ErrorReport: errorReport,
};

const REFERENCE = '#/components/schemas/';

/** Every message by its name; messages refer to one another. */
export function messageSchemas(): Readonly<Record<string, JsonSchema>> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(NAMED)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { uri: (id) => `${REFERENCE}${id}` });
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, withoutIdentity(schema)]));
}

/** The document that they are in has the names and the dialect. */
function withoutIdentity(schema: object): JsonSchema {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$id' && key !== '$schema'));
}

/** @throws TypeError for a message without a name */
export function nameOf(schema: z.ZodType): string {
  const found = Object.entries(NAMED).find(([, each]) => each === schema);
  if (found === undefined)
    throw new TypeError('A message of the control API has no name in control-schemas.ts.');
  return found[0];
}

export function referenceTo(name: string): JsonSchema {
  return { $ref: `${REFERENCE}${name}` };
}

export function referredName({ $ref }: JsonSchema): string | undefined {
  return $ref?.slice(REFERENCE.length);
}
