import type { Dial } from './availability.js';
import { localDial } from './dial-local.js';
import { tcpDial, type TcpAddress } from './dial-tcp.js';
import { tlsDial, type TlsDialOptions } from './dial-tls.js';

/** Where an engine listens: the VM's by mutual TLS, and any other that this host can reach. */
export type EngineTarget =
  | { readonly kind: 'tls'; readonly options: TlsDialOptions }
  | { readonly kind: 'tcp'; readonly address: TcpAddress }
  | { readonly kind: 'unix'; readonly path: string }
  /** @example { kind: 'pipe', path: '\\\\.\\pipe\\docker_engine' } */
  | { readonly kind: 'pipe'; readonly path: string };

export function dialOf(target: EngineTarget): Dial {
  switch (target.kind) {
    case 'tls':
      return tlsDial(target.options);
    case 'tcp':
      return tcpDial(target.address);
    case 'unix':
    case 'pipe':
      return localDial(target.path);
  }
}
