// Sends bodies in chunks of one byte, one request after the other. usage: node tiny-chunks.mjs <socket> <bytes of content>
import { connect } from 'node:net';

const [, , path, bytes] = process.argv;
const json = `{"Image":"i","Labels":{"x":"${'y'.repeat(Number(bytes))}"},"HostConfig":{"Binds":["C:\\\\site:/x"]}}`;
const body = Buffer.from(`${[...json].map((byte) => `1\r\n${byte}\r\n`).join('')}0\r\n\r\n`);
const head = 'POST /containers/create HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n';
const socket = connect(path);
const send = () => {
  socket.write(head);
  socket.write(body);
};
socket.on('data', () => {
  process.stdout.write('sent\n');
  send();
});
send();
