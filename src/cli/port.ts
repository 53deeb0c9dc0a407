import { EXIT_OK } from '../protocol/exit-code.js';
import { addressText, bytesText } from './amounts.js';
import { ControlClient } from './control-client.js';
import type { PortListing } from '../protocol/messages.js';
import type { CommandContext, CommandResult } from './context.js';
import { tableLines } from './table.js';
import { withoutControls } from './terminal.js';

/** `mobyvm port list`: the ports that containers publish on this host. */
export async function portList(context: CommandContext, { json }: { readonly json: boolean }): CommandResult {
  const { terminal, interrupted, paths, rights } = context;
  const listing = await new ControlClient(paths.controlSocket, rights).listPorts(interrupted);
  if (json) terminal.out(JSON.stringify(listing));
  else portLines(listing, terminal.tableColumns).forEach((line) => terminal.out(line));
  return EXIT_OK;
}

const HEAD = ['HOST', 'CONTAINER', 'STATE', 'CONNECTIONS', 'IN', 'OUT'];

export function portLines({ ports }: PortListing, columns?: number): string[] {
  if (ports.length === 0) return ['No container publishes a port.'];
  const rows = ports.map((port) => [
    `${addressText(port.hostIp, port.hostPort)}/${port.protocol}`,
    `${port.container === '' ? '?' : withoutControls(port.container)}:${port.containerPort}`,
    port.state,
    String(port.connections),
    bytesText(port.bytesIn),
    bytesText(port.bytesOut),
  ]);
  const problems = ports.flatMap(({ problem, hostIp, hostPort, protocol }) =>
    problem === undefined
      ? []
      : [`${addressText(hostIp, hostPort)}/${protocol}: ${withoutControls(problem)}`],
  );
  return [...tableLines(HEAD, rows, columns), ...(problems.length === 0 ? [] : ['', ...problems])];
}
