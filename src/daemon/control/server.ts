import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ListenLocally, Logger } from '../../core/host/index.js';
import { MobyvmError, reportOf, textOf } from '../../core/values/index.js';
import type { KvpExchange } from '../../kvp/index.js';
import type { DhcpLease, PublishedPort } from '../../proxy/index.js';
import { httpOnStreams } from './http-on-streams.js';
import { answerDns, type CurrentDns } from './dns-routes.js';
import { serveShell, type OpenShell } from './shell-connection.js';
import { answerShares } from './share-routes.js';
import type { Shares } from '../../share/index.js';
import { answerKvp } from './kvp-routes.js';
import { operationName, operationRequest, type Finding } from '../../protocol/messages.js';
import { SHELL_UPGRADE } from '../../protocol/shell-messages.js';
import type { DaemonInfo, MachineStatus } from '../machine/machine-status.js';
import type { Operation, OperationListener, Requester } from '../machine/operation.js';
import { toOperation, toWireEvent, toWireInfo, toWireLease, toWireStatus } from './wire.js';

/** What the control API controls; the daemon's machine fits. */
export interface ControlledMachine {
  readonly kvp: KvpExchange;
  /** Why the VM is paused, while it is. */
  readonly stall: MobyvmError | undefined;
  info(): DaemonInfo;
  status(): Promise<MachineStatus>;
  /** Calls back at every change of the status. Returns the unsubscribe function. */
  onStatusChange(listener: () => void): () => void;
  operate(operation: Operation, requester: Requester, listener: OperationListener): Promise<void>;
  cancel(): Promise<boolean>;
  listPorts(): Promise<readonly PublishedPort[]>;
  listLeases(): readonly DhcpLease[];
}

export interface ControlServerOptions {
  /** The host's way to listen: unix sockets, or named pipes. */
  readonly listen: ListenLocally;
  readonly address: string;
  readonly machine: ControlledMachine;
  /** The DNS server that containers use. */
  readonly dns: CurrentDns;
  readonly shares: Shares;
  readonly openShell: OpenShell;
  readonly logger: Logger;
  /** Asked for by POST /v1/exit; rejects when the daemon must not end now. */
  readonly requestExit: () => Promise<void>;
  /** What `mobyvm doctor` shows. */
  readonly examineHost: () => Promise<readonly Finding[]>;
  /** What `mobyvm doctor --fix` does. @throws MobyvmError MOBYVM_BUSY */
  readonly repair: () => Promise<void>;
}

export interface ControlServer {
  /** How many clients are connected now. */
  readonly clients: number;
  /** Recreates the endpoint if it was deleted; see LocalListener. */
  restore(): Promise<boolean>;
  close(): Promise<void>;
}

/** No request has a larger body. */
const MAX_BODY_BYTES = 64 * 1024;

/** Serves the control API (see protocol/messages.ts) to root only. @throws MobyvmError as ListenLocally does */
export async function startControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const accept = httpOnStreams(
    (request, response) => {
      void answer(options, request, response).catch((error: unknown) => fail(options, response, error));
    },
    undefined,
    (request, stream) => upgrade(options, request, stream),
  );
  const listener = await options.listen({
    address: options.address,
    access: { kind: 'owner only' },
    onConnection: (stream) => accept(stream),
    logger: options.logger,
  });
  return {
    get clients() {
      return listener.connections;
    },
    restore: () => listener.restore(),
    close: () => listener.close(),
  };
}

function upgrade(
  { openShell, logger }: ControlServerOptions,
  request: IncomingMessage,
  stream: Duplex,
): void {
  const route = `${request.method ?? ''} ${request.url ?? ''}`;
  logger.debug('control.request.received', { route });
  if (route === 'POST /v1/shell' && request.headers.upgrade === SHELL_UPGRADE)
    void serveShell(stream, openShell, logger);
  else stream.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
}

async function answer(
  options: ControlServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { machine } = options;
  const route = `${request.method ?? ''} ${request.url ?? ''}`;
  options.logger.debug('control.request.received', { route });
  switch (route) {
    case 'GET /v1/daemon': {
      json(response, 200, toWireInfo(machine.info()));
      return;
    }
    case 'GET /v1/status': {
      json(response, 200, toWireStatus(await machine.status()));
      return;
    }
    case 'GET /v1/status/watch':
      return watchStatus(machine, response);
    case 'GET /v1/ports': {
      json(response, 200, { ports: await machine.listPorts() });
      return;
    }
    case 'GET /v1/dhcp/leases': {
      json(response, 200, { leases: machine.listLeases().map(toWireLease) });
      return;
    }
    case 'GET /v1/doctor':
    case 'POST /v1/repair': {
      json(response, 200, await findingsFor(route, options));
      return;
    }
    case 'POST /v1/cancel': {
      json(response, 200, { cancelled: await machine.cancel() });
      return;
    }
    case 'POST /v1/exit': {
      await options.requestExit();
      json(response, 202, {});
      return;
    }
    default: {
      const body = async (): Promise<unknown> => JSON.parse(await bodyOf(request));
      const dns = await answerDns(options.dns, { route, body });
      if (dns !== undefined) {
        json(response, 200, dns);
        return;
      }
      const shares = await answerShares(options.shares, { route, body, signal: untilGone(response) });
      if (shares !== undefined) {
        json(response, 200, shares);
        return;
      }
      const { kvp: exchange, stall } = machine;
      const kvp = await answerKvp(exchange, { route, body, stall, signal: untilGone(response) });
      if (kvp !== undefined) json(response, 200, kvp);
      else await operate(machine, route, request, response);
    }
  }
}

async function findingsFor(
  route: string,
  { repair, examineHost }: ControlServerOptions,
): Promise<{ readonly findings: readonly Finding[] }> {
  if (route === 'POST /v1/repair') await repair();
  return { findings: await examineHost() };
}

async function operate(
  machine: ControlledMachine,
  route: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const name = operationName.safeParse(/^POST \/v1\/operations\/([a-z]+)$/.exec(route)?.[1]);
  if (!name.success)
    throw new MobyvmError(
      'MOBYVM_CONTROL_API',
      `The control API has no "${route}".`,
      'Use the `mobyvm` command of the same version.',
    );
  const asked = operationRequest.parse(JSON.parse(await bodyOf(request)));
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  // A client that goes away changes nothing: the operation continues unobserved.
  await machine.operate(toOperation(name.data, asked), asked.requester, (event) => {
    response.write(`${JSON.stringify(toWireEvent(event))}\n`);
  });
  response.end();
}

async function watchStatus(machine: ControlledMachine, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  let sending = Promise.resolve();
  const send = (): void => {
    sending = sending.then(
      async () => void response.write(`${JSON.stringify(toWireStatus(await machine.status()))}\n`),
    );
  };
  send();
  const unsubscribe = machine.onStatusChange(send);
  await new Promise<void>((resolve) => response.once('close', resolve));
  unsubscribe();
}

function untilGone(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return gone.signal;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES)
      throw new MobyvmError(
        'MOBYVM_CONTROL_API',
        'The request is too large.',
        'Use the `mobyvm` command of the same version.',
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function fail(options: ControlServerOptions, response: ServerResponse, error: unknown): void {
  const report = reportOf(error);
  options.logger.warn('control.request.failed', { code: report.code, reason: textOf(error) });
  if (response.headersSent) response.destroy();
  else json(response, report.code === 'MOBYVM_BUG' ? 500 : 409, { error: report });
}

function json(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
  });
  response.end(text);
}
