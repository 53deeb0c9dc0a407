import { bindError } from '../bind-error.js';
import type { Forwarder, ForwarderTrouble } from './forwarder.js';
import { forwardTcp } from './tcp-forwarder.js';

export interface LoopbackRelayOptions {
  /** The switch's address, which `host.docker.internal` resolves to; only the VM, and the host itself, reach it. */
  readonly address: string;
  readonly ports: readonly number[];
  readonly onTrouble: ForwarderTrouble;
}

/**
 * Lets containers reach TCP services that listen on the host's 127.0.0.1 only.
 * @throws MobyvmError MOBYVM_PORT_IN_USE, MOBYVM_PORT_SERVER, MOBYVM_NOT_ROOT
 */
export async function startLoopbackRelay(options: LoopbackRelayOptions): Promise<{ close(): Promise<void> }> {
  const forwarders: Forwarder[] = [];
  const close = (): Promise<void> => {
    for (const forwarder of forwarders) forwarder.close();
    return Promise.resolve();
  };
  const { address, onTrouble } = options;
  for (const port of options.ports) {
    const target = (): { host: string; port: number } => ({ host: '127.0.0.1', port });
    try {
      forwarders.push(await forwardTcp({ address, port, target, onTrouble }));
    } catch (error) {
      await close();
      const who = 'The relay of network.hostLoopbackPorts';
      throw await bindError({ protocol: 'tcp', address, port, who, code: 'MOBYVM_PORT_SERVER' }, error);
    }
  }
  return { close };
}
