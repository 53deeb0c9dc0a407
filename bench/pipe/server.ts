import { createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { silentLogger } from '../../src/core/host/index.js';
import { namedPipes } from '../../src/windows/index.js';

// server.js PEER ADDRESS BYTES, started with an IPC channel: serves the pipe with mobyvm's listener or with libuv's.
const [, , peer, address = '', size] = process.argv;
const bytes = Number(size);
const CHUNK = Buffer.alloc(64 * 1024, 'd');

/** A connection's first byte says what it is for: S takes bytes, G sends them, anything else is echoed. */
function serve(stream: Duplex): void {
  stream.on('error', () => undefined);
  stream.once('data', (first: Buffer) => {
    if (first[0] === 0x53) take(stream, first.length);
    else if (first[0] === 0x47) send(stream);
    else {
      stream.write(first);
      stream.on('data', (chunk: Buffer) => stream.write(chunk));
    }
  });
}

function take(stream: Duplex, already: number): void {
  let left = bytes - already;
  stream.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left <= 0) stream.write('done');
  });
}

function send(stream: Duplex): void {
  let left = bytes;
  const write = (): void => {
    while (left > 0) {
      left -= CHUNK.length;
      if (!stream.write(CHUNK)) {
        stream.once('drain', write);
        return;
      }
    }
  };
  write();
}

if (peer === 'libuv') {
  const server = createServer({ allowHalfOpen: true }, serve);
  server.listen(address, () => process.send?.('ready'));
} else {
  const pipes = await namedPipes();
  await pipes.listen({
    address,
    access: { kind: 'owner only' },
    onConnection: serve,
    logger: silentLogger,
  });
  process.send?.('ready');
}
process.on('message', () => {
  globalThis.gc?.();
  process.send?.(process.memoryUsage.rss());
});
process.on('disconnect', () => process.exit(0));
