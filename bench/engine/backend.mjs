// An engine's stand-in: mutual TLS 1.3, `/_ping`, bodies of any length each way; as fast as Node can.
// usage: node backend.mjs <options as JSON: ca, cert, key>; prints its port
import { createServer } from 'node:tls';

const { ca, cert, key } = JSON.parse(process.argv[2]);
const PONG = Buffer.from(
  'HTTP/1.1 200 OK\r\nApi-Version: 1.50\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nOK',
);
const DONE = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone');
const BLOCK = Buffer.alloc(256 * 1024, 'x');

const server = createServer(
  {
    ca,
    cert,
    key,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
    highWaterMark: 1 << 20,
  },
  (socket) => {
    let left = 0;
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      if (left > 0) {
        left -= chunk.length;
        if (left <= 0) socket.write(DONE);
        return;
      }
      const head = chunk.toString('latin1', 0, Math.min(chunk.length, 512));
      if (head.startsWith('GET /_ping')) socket.write(PONG);
      else if (head.startsWith('HEAD /_ping')) socket.write(PONG.subarray(0, -2));
      else if (head.startsWith('GET /bytes/')) sendBytes(socket, Number(/bytes\/(\d+)/.exec(head)[1]));
      else {
        const end = chunk.indexOf('\r\n\r\n') + 4;
        left = Number(/content-length: (\d+)/i.exec(head)[1]) - (chunk.length - end);
        if (left <= 0) socket.write(DONE);
      }
    });
  },
);

function sendBytes(socket, bytes) {
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`);
  let left = bytes;
  const more = () => {
    while (left > 0) {
      const block = left >= BLOCK.length ? BLOCK : BLOCK.subarray(0, left);
      left -= block.length;
      if (!socket.write(block)) return socket.once('drain', more);
    }
  };
  more();
}

server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
