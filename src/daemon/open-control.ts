import { dirname, join } from 'node:path';
import { MobyvmError } from '../core/values/index.js';
import { followOutput } from '../proxy/index.js';
import { controlApi } from './control/control-api.js';
import { startControlServer, type ControlServer } from './control/server.js';
import type { OpenShell } from './control/shell-connection.js';
import type { DaemonContext } from './daemon-context.js';
import { Dashboard } from './dashboard/dashboard.js';
import { loadPages } from './dashboard/pages.js';
import { ownQuestions } from './diagnose/own-questions.js';
import { examineHost } from './examine-host.js';
import type { DaemonPlatform } from './host-side/daemon-platform.js';
import type { DaemonLog } from './log.js';
import type { AssembledMachine } from './machine/assemble.js';
import type { Close } from './process-end.js';
import { SettingsFile } from './settings/settings-file.js';
import { shareOffers } from './shares/share-offers.js';

/** How many earlier lines of a container are shown. */
const OUTPUT_LINES = 500;

export interface ControlParts {
  readonly platform: Pick<DaemonPlatform, 'listen'>;
  readonly assembled: AssembledMachine;
  readonly openShell: OpenShell;
  readonly logger: DaemonLog;
}

export interface OpenedControl {
  readonly server: ControlServer;
  /** Clients that are connected to the control socket, and open pages of the dashboard. */
  readonly clients: () => number;
  /** Resolves when a client asks the daemon to end. */
  readonly exitRequested: Promise<void>;
}

/** Opens the control socket, and the dashboard if it was open before. */
export async function openControl(
  context: DaemonContext,
  { platform, assembled, openShell, logger }: ControlParts,
  closing: Close[],
): Promise<OpenedControl> {
  const { paths } = context;
  const { machine, dns, shares, dial, wrongToken } = assembled;
  let exit: () => void = () => undefined;
  const exitRequested = new Promise<void>((resolve) => {
    exit = resolve;
  });
  const api = controlApi({
    machine,
    dns,
    shares,
    logger,
    recent: logger.recent,
    settings: new SettingsFile({ path: paths.settingsFile, platform: context.platform }),
    requestExit: async () => {
      if (!(await machine.isGone())) throw machineIsUp(machine.state);
      exit();
    },
    examineHost: () =>
      examineHost(context, {
        ...{ machine, dns, shares, wrongToken, tlsDir: paths.tlsDir },
        // On Windows it would ask PowerShell several times for each.
        checksShares: context.platform === 'linux',
      }),
    diagnose: async (request) => {
      const { diagnose } = await import('./diagnose/diagnose.js');
      return (await diagnose(context, { asked: ownQuestions(request, openShell) })).file;
    },
    repair: () => machine.repairNow(),
    followOutput: (container, onLine, signal) =>
      followOutput({ dial, container, tail: OUTPUT_LINES, onLine, signal }),
    shareOffers: () => shareOffers(context.platform),
  });
  const dashboard = new Dashboard({
    api,
    logger,
    path: paths.dashboardFile,
    pages: () => loadPages(join(dirname(context.self[1]), 'dashboard')),
    settings: () => machine.settings.dashboard,
  });
  closing.push(() => dashboard.close());
  const server = await startControlServer({
    listen: platform.listen,
    address: paths.controlSocket,
    api: { ...api, endpoints: [...api.endpoints, ...dashboard.endpoints] },
    openShell,
    logger,
  });
  closing.push(() => server.close());
  await dashboard.begin();
  return { server, clients: () => server.clients + dashboard.clients, exitRequested };
}

function machineIsUp(state: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_BUSY',
    `The daemon still has a machine (${state}).`,
    'Stop it with `mobyvm down`; that ends the daemon too.',
  );
}
