import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { sleep } from '../../src/core/host/index.js';
import type { Endpoint } from '../../src/proxy/endpoint.js';
import { framed, Framing } from '../../src/proxy/dns/framing.js';
import { decodeMessage, decodeQuery, type DnsQuery } from '../../src/proxy/dns/message.codec.js';

/** One packet that the upstream sends in response to a query. */
export interface Sent {
  readonly bytes: Uint8Array;
  readonly afterMs?: number;
  /** From a port that was not asked. UDP only. */
  readonly fromElsewhere?: boolean;
}

/** What the upstream does with a query; an empty list is silence. */
export type Script = (query: DnsQuery, transport: 'udp' | 'tcp') => readonly Sent[];

/** A resolver on a loopback address that answers by a script and records what it was asked. */
export class DnsUpstream implements AsyncDisposable {
  readonly asked: { readonly transport: 'udp' | 'tcp'; readonly bytes: Uint8Array; readonly port: number }[] =
    [];
  readonly #udp: Socket = createSocket('udp4');
  readonly #elsewhere: Socket = createSocket('udp4');
  readonly #tcp: Server;
  readonly #closing = new AbortController();
  script: Script;

  private constructor(script: Script) {
    this.script = script;
    this.#udp.on('message', (bytes, client) => {
      this.asked.push({ transport: 'udp', bytes: new Uint8Array(bytes), port: client.port });
      for (const sent of this.script(decodeQuery(decodeMessage(new Uint8Array(bytes))), 'udp')) {
        const from = sent.fromElsewhere === true ? this.#elsewhere : this.#udp;
        void this.#later(sent, () => from.send(sent.bytes, client.port, client.address));
      }
    });
    this.#tcp = createServer((socket) => {
      const framing = new Framing();
      socket.on('error', () => socket.destroy());
      this.#closing.signal.addEventListener('abort', () => socket.destroy());
      socket.on('data', (chunk) => {
        for (const bytes of framing.push(chunk)) {
          this.asked.push({ transport: 'tcp', bytes, port: socket.remotePort ?? 0 });
          for (const sent of this.script(decodeQuery(decodeMessage(bytes)), 'tcp')) {
            void this.#later(sent, () => socket.write(framed(sent.bytes)));
          }
        }
      });
    });
  }

  static async start(script: Script, address = '127.0.0.1'): Promise<DnsUpstream> {
    const upstream = new DnsUpstream(script);
    upstream.#tcp.listen(0, address);
    await once(upstream.#tcp, 'listening');
    upstream.#udp.bind(upstream.endpoint.port, address);
    await once(upstream.#udp, 'listening');
    return upstream;
  }

  get endpoint(): Endpoint {
    const { address, port } = this.#tcp.address() as AddressInfo;
    return { address, port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#udp.close();
    this.#elsewhere.close();
    this.#tcp.close();
    await once(this.#tcp, 'close');
  }

  async #later({ afterMs = 0 }: Sent, send: () => unknown): Promise<void> {
    try {
      if (afterMs > 0) await sleep(afterMs, this.#closing.signal);
      if (!this.#closing.signal.aborted) send();
    } catch {
      // The test is over.
    }
  }
}
