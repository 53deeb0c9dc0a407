import { bindError } from '../bind-error.js';
import type { Endpoint } from '../endpoint.js';
import type { PortFacts } from '../port-facts.js';
import type { Forwarder, ForwarderTrouble } from './forwarder.js';
import { forwardTcp } from './tcp-forwarder.js';

export interface LoopbackRelayOptions {
  /**
   * The host's address on the switch, that of `host.docker.internal`: only the VM and the host itself can
   * reach it.
   */
  readonly address: string;
  readonly ports: readonly number[];
  readonly portFacts: PortFacts;
  readonly onTrouble: ForwarderTrouble;
}

/**
 * Lets containers reach TCP services that listen only on the host's 127.0.0.1.
 * @throws MobyvmError MOBYVM_PORT_IN_USE, MOBYVM_PORT_SERVER, MOBYVM_NOT_ROOT
 */
export async function startLoopbackRelay(options: LoopbackRelayOptions): Promise<{ close(): Promise<void> }> {
  const forwarders: Forwarder[] = [];
  const close = (): Promise<void> => {
    for (const forwarder of forwarders) forwarder.close();
    return Promise.resolve();
  };
  const { address, onTrouble, portFacts } = options;
  for (const port of options.ports) {
    const target = (): Endpoint => ({ address: '127.0.0.1', port });
    try {
      forwarders.push(await forwardTcp({ address, port, target, onTrouble }));
    } catch (error) {
      await close();
      const who = 'The relay of network.hostLoopbackPorts';
      const wanted = { protocol: 'tcp', address, port, who, code: 'MOBYVM_PORT_SERVER' } as const;
      throw await bindError(wanted, error, portFacts);
    }
  }
  return { close };
}
