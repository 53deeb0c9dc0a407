export type { LogRecord, OutputLine, ServerEvent, Topic } from '../protocol/control-events.js';
export type {
  ContainerListing,
  Finding,
  KvpListing,
  KvpSetAnswer,
  LeaseListing,
  MachineStatus,
  PortListing,
  SettingsAnswer,
  VmUsage,
} from '../protocol/messages.js';
export type { DnsStatus, DnsAnswer } from '../protocol/dns-messages.js';
export type { ListedShare, ShareCheck, ShareOffers } from '../protocol/share-messages.js';

/** Any answer of the control API: an object. */
export type AnyMessage = object;

/** An error of the control API, as a person reads it. */
export interface ApiProblem {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}
