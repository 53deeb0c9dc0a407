import type { Logger } from '../../core/host/index.js';
import { ROUTES } from '../../protocol/control-routes.js';
import type { AskDaemon } from '../../protocol/diagnosis-questions.js';
import type { Finding } from '../../protocol/messages.js';
import type { ShareOffers } from '../../protocol/share-messages.js';
import type { Shares } from '../../share/index.js';
import type { RecentRecords } from '../recent-records.js';
import type { ControlledMachine } from './controlled-machine.js';
import { dnsEndpoints, type CurrentDns } from './dns-routes.js';
import { endpoint, endpointFor, type Endpoint } from './endpoint.js';
import type { Topics } from './event-streams.js';
import { kvpEndpoints } from './kvp-routes.js';
import { operationEndpoints } from './operations.js';
import type { FollowOutput } from './output-topic.js';
import { settingsEndpoints, type EditedSettings } from './settings-routes.js';
import { shareEndpoints } from './share-routes.js';
import { topicsOf } from './topics.js';
import { HappeningTopic } from './watched-topic.js';
import { toWireInfo, toWireLease, toWireStatus } from './wire.js';

export interface ControlApiOptions {
  readonly machine: ControlledMachine;
  /** The DNS server that containers use. */
  readonly dns: CurrentDns;
  readonly shares: Shares;
  readonly logger: Logger;
  /** The latest records of the daemon's log. */
  readonly recent: Pick<RecentRecords, 'list' | 'onRecord'>;
  readonly settings: EditedSettings;
  /** Asked for by POST /v1/exit; rejects when the daemon must not end now. */
  readonly requestExit: () => Promise<void>;
  /** What `mobyvm doctor` shows. */
  readonly examineHost: () => Promise<readonly Finding[]>;
  /** What `mobyvm diagnose` does. @returns a zip file @param request answers a request of the control API */
  readonly diagnose: (request: AskDaemon['request']) => Promise<Uint8Array>;
  /** What `mobyvm doctor --fix` does. @throws MobyvmError MOBYVM_BUSY */
  readonly repair: () => Promise<void>;
  /** Follows what a container prints, until it ends. */
  readonly followOutput: FollowOutput;
  /** What can be shared with one click. */
  readonly shareOffers: () => Promise<ShareOffers>;
}

/** The control API (protocol/control-routes.ts, protocol/control-events.ts), wherever it is served. */
export interface ControlApi {
  readonly endpoints: readonly Endpoint[];
  readonly topics: Topics;
}

export function controlApi(options: ControlApiOptions): ControlApi {
  const operations = new HappeningTopic();
  const endpoints = endpointsOf(options, operations);
  const diagnose = diagnoseEndpoint(options, endpoints);
  return { endpoints: [...endpoints, diagnose], topics: topicsOf({ ...options, operations }) };
}

function diagnoseEndpoint({ diagnose }: ControlApiOptions, endpoints: readonly Endpoint[]): Endpoint {
  const request: AskDaemon['request'] = ({ method, path, body }, signal) => {
    const { found, params } = endpointFor(endpoints, method, path);
    return found.answer({ params, body: () => Promise.resolve(body), signal });
  };
  let running: Promise<Uint8Array> | undefined;
  return endpoint(ROUTES.diagnose, async () => {
    // It is much work, and the same for everyone who asks meanwhile.
    running ??= diagnose(request).finally(() => {
      running = undefined;
    });
    const file = Buffer.from(await running).toString('base64');
    return { name: 'mobyvm-diagnosis.zip', file };
  });
}

function endpointsOf(options: ControlApiOptions, events: HappeningTopic): readonly Endpoint[] {
  const { machine, logger } = options;
  const findings = async () => ({ findings: [...(await options.examineHost())] });
  return [
    endpoint(ROUTES.daemon, () => toWireInfo(machine.info())),
    endpoint(ROUTES.status, async () => toWireStatus(await machine.status())),
    ...operationEndpoints({ machine, logger, events }),
    endpoint(ROUTES.examineHost, findings),
    endpoint(ROUTES.repair, async () => {
      await options.repair();
      return findings();
    }),
    endpoint(ROUTES.ports, async () => ({ ports: [...(await machine.listPorts())] })),
    endpoint(ROUTES.leases, () => ({ leases: machine.listLeases().map(toWireLease) })),
    ...dnsEndpoints(options.dns),
    ...shareEndpoints(options.shares, options.shareOffers),
    ...kvpEndpoints(machine),
    ...settingsEndpoints(options.settings),
    endpoint(ROUTES.exit, async () => {
      await options.requestExit();
      return {};
    }),
  ];
}
