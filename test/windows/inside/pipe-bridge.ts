import { createServer, type Server } from 'node:net';
import { WinioClients } from './winio-client.js';

/** Where test/support/wine/qemu-windows.ts connects to. */
const PORT = 18_201;

/** Leads connections from the Linux side to a pipe, as Docker's client on Windows uses it. */
export class PipeBridge {
  readonly #clients = new WinioClients();
  readonly #server: Server;

  constructor(pipe: string) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      this.#clients.connect(pipe).then(
        (client) => {
          client.on('error', () => socket.destroy());
          socket.on('close', () => client.destroy());
          socket.pipe(client).pipe(socket);
        },
        () => socket.destroy(),
      );
    }).listen(PORT, '127.0.0.1');
    this.#server.unref();
  }

  async close(): Promise<void> {
    this.#server.close();
    await this.#clients.close();
  }
}
