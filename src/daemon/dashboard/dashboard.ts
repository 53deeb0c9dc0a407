import { z } from 'zod';
import { StateFile, type Logger } from '../../core/host/index.js';
import { MobyvmError, textOf } from '../../core/values/index.js';
import type { DashboardAnswer } from '../../protocol/messages.js';
import { ROUTES } from '../../protocol/control-routes.js';
import type { ControlApi } from '../control/control-api.js';
import { endpoint, type Endpoint } from '../control/endpoint.js';
import type { Settings } from '../settings/schema.js';
import { AccessToken } from './access-token.js';
import type { Pages } from './pages.js';
import { startWebServer, type WebServer } from './web-server.js';

export interface DashboardOptions {
  readonly api: ControlApi;
  readonly logger: Logger;
  /** Where the port is kept. */
  readonly path: string;
  /** The files of the page. */
  readonly pages: () => Promise<Pages>;
  readonly settings: () => Settings['dashboard'];
}

const state = z.object({ port: z.int(), tokenDigest: z.string() });

/**
 * The TCP port of the dashboard. It is opened when it is first asked for, and by each daemon after that: on the same
 * port if that is free, so that an open page finds it again. Until then no TCP port is open.
 */
export class Dashboard {
  readonly #options: DashboardOptions;
  readonly #file: StateFile<z.infer<typeof state>>;
  #open: Promise<{ readonly server: WebServer; readonly token: AccessToken }> | undefined;
  #server: WebServer | undefined;

  constructor(options: DashboardOptions) {
    this.#options = options;
    this.#file = new StateFile({ path: options.path, schema: state });
  }

  /** How many pages are open. */
  get clients(): number {
    return this.#server?.clients ?? 0;
  }

  /** What only the local socket or pipe answers. */
  get endpoints(): readonly Endpoint[] {
    return [endpoint(ROUTES.openDashboard, () => this.open())];
  }

  /** At the start of the daemon, which does not fail because of it. */
  async begin(): Promise<void> {
    const { port } = this.#options.settings();
    if (port === 'off') return;
    if (port === 'auto' && (await this.#earlier()) === undefined) return;
    await this.open().catch((error: unknown) => {
      this.#options.logger.warn('control.dashboard.failed', { reason: textOf(error) });
    });
  }

  /** @throws MobyvmError MOBYVM_DASHBOARD */
  async open(): Promise<DashboardAnswer> {
    this.#open ??= this.#start().catch((error: unknown) => {
      this.#open = undefined;
      throw error;
    });
    const { server, token } = await this.#open;
    return { url: `http://127.0.0.1:${server.port}/`, token: token.value };
  }

  async close(): Promise<void> {
    await this.#open?.catch(() => undefined);
    await this.#server?.close();
  }

  async #start() {
    const { api, logger } = this.#options;
    const { port: wanted } = this.#options.settings();
    if (wanted === 'off') throw offError();
    const earlier = await this.#earlier();
    const token = new AccessToken(earlier?.tokenDigest);
    const pages = await this.#options.pages();
    const start = (port: number): Promise<WebServer> => startWebServer({ api, pages, token, port, logger });
    const server =
      wanted === 'auto' ? await start(earlier?.port ?? 0).catch(() => start(0)) : await start(wanted);
    this.#server = server;
    await this.#file.write({ port: server.port, tokenDigest: token.digest });
    logger.info('control.dashboard.opened', { port: server.port });
    return { server, token };
  }

  /** For convenience only: what cannot be read is written again. */
  #earlier(): Promise<z.infer<typeof state> | undefined> {
    return this.#file.peek();
  }
}

function offError(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_DASHBOARD',
    'The dashboard is switched off (dashboard.port).',
    'Set dashboard.port to "auto", then run `mobyvm restart`.',
  );
}
