import { ownerText, type PortFacts } from '../../proxy/index.js';
import { PORT_CONTROL_PORT } from '../ports/index.js';
import { fine, notice, problem, type Judgement } from './finding.js';

const EVERYWHERE = '*';

const WANTED = [
  { protocol: 'udp', port: 53, who: 'the DNS server' },
  { protocol: 'tcp', port: 53, who: 'the DNS server' },
  { protocol: 'udp', port: 67, who: 'the DHCP server' },
  { protocol: 'tcp', port: PORT_CONTROL_PORT, who: 'the server for published ports' },
] as const;

/**
 * Who else has the ports that our servers take on the host's side of the switch.
 * @param address of the host on the switch, which may not be there yet
 */
export async function judgePorts(address: string, portFacts: PortFacts): Promise<Judgement> {
  for (const { protocol, port, who } of WANTED) {
    const sockets = (await portFacts.boundSockets(protocol)).filter((socket) => socket.port === port);
    const taken = sockets.find((socket) => [address, EVERYWHERE].includes(socket.address));
    if (taken === undefined) continue;
    const by = ownerText(await portFacts.owner(protocol, port, address));
    const where = taken.address === EVERYWHERE ? 'all addresses' : address;
    const what = `${by} uses ${protocol.toUpperCase()} port ${port} on ${where}, which ${who} needs`;
    const remedy = `Stop ${by}, or configure it not to listen on ${address}.`;
    // DHCP servers mostly share the port, each for its own device.
    return port === 67 && taken.address === EVERYWHERE
      ? notice(
          `${what} too; they can usually share it`,
          `If \`mobyvm up\` reports that it is in use: ${remedy}`,
        )
      : problem(what, remedy);
  }
  return fine(`ports 53, 67 and ${PORT_CONTROL_PORT} of ${address} are free`);
}
