import type { MachineStats } from '../../protocol/messages.js';
import type { ControlledMachine } from './controlled-machine.js';
import { dnsQueriesOf, type CurrentDns } from './dns-routes.js';

/** What is counted of the machine. The clock is read with the counters, so that rates are exact. */
export async function statsOf(
  machine: Pick<ControlledMachine, 'info' | 'usage' | 'knownPorts'>,
  dns: CurrentDns,
): Promise<MachineStats> {
  const usage = await machine.usage();
  const server = dns();
  return {
    atMs: performance.now(),
    state: machine.info().state,
    usage,
    ...(server === undefined ? {} : { dns: dnsQueriesOf(server) }),
    ports: [...machine.knownPorts()],
  };
}
