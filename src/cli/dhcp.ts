import { EXIT_OK } from '../protocol/exit-code.js';
import type { LeaseListing } from '../protocol/messages.js';
import type { CommandContext, CommandResult } from './context.js';
import { ControlClient } from './control-client.js';
import { tableLines } from './table.js';

/** `mobyvm dhcp leases`: what the DHCP server has given to the VM. */
export async function dhcpLeases(
  context: CommandContext,
  { json }: { readonly json: boolean },
): CommandResult {
  const { terminal, interrupted, paths, rights } = context;
  const listing = await new ControlClient(paths.controlSocket, rights).listLeases(interrupted);
  if (json) terminal.out(JSON.stringify(listing));
  else leaseLines(listing, terminal.tableColumns).forEach((line) => terminal.out(line));
  return EXIT_OK;
}

const HEAD = ['ADDRESS', 'MAC', 'NAME', 'STATE', 'EXPIRES', 'LAST SEEN'];

export function leaseLines({ leases }: LeaseListing, columns?: number): string[] {
  if (leases.length === 0) return ['The DHCP server is not running. Start the VM with `mobyvm up`.'];
  const rows = leases.map(({ address, mac, hostname, state, expiresAt = '-', lastSeen = '-' }) => [
    address,
    mac,
    hostname,
    state,
    expiresAt,
    lastSeen,
  ]);
  return tableLines(HEAD, rows, columns);
}
