import type { BindOptions, Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import type { ListenOptions, Server } from 'node:net';

/** Resolves once the server listens. @throws the system's error */
export async function startListening(server: Server, options: ListenOptions): Promise<void> {
  server.listen(options);
  await once(server, 'listening');
}

/** Stops accepting; resolves once every connection has ended. Does nothing if the server does not listen. */
export async function stopListening(server: Server): Promise<void> {
  if (!server.listening) return;
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
}

/** Resolves once the socket is bound; closes it if it cannot be. @throws the system's error */
export async function bindSocket(socket: UdpSocket, options: BindOptions): Promise<void> {
  try {
    socket.bind(options);
    await once(socket, 'listening');
  } catch (error) {
    socket.close();
    throw error;
  }
}

export async function closeSocket(socket: UdpSocket): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.close(resolve);
  });
}
