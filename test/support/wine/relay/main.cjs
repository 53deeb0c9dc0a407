// powershell.exe of the bench: its arguments, streams and exit code are those of a program on Linux. It has one TCP connection to
// relay-server.ts, which says what is sent on it.
'use strict';
const { connect } = require('node:net');

const PORT = 18200;
// What a session passes to its PowerShell: src/powershell/seal-secret.ts.
const KEY_VARIABLE = 'MOBYVM_SESSION_KEY';
const HEADER_BYTES = 5;
const NO_SERVER = 97;
const NO_EXIT_CODE = 98;

const socket = connect({ port: PORT, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
socket.once('connect', () => {
  const env = { [KEY_VARIABLE]: process.env[KEY_VARIABLE] };
  socket.write(`${JSON.stringify({ run: process.argv.slice(2), env })}\n`);
  process.stdin.on('data', (data) => socket.write(data));
  process.stdin.on('end', () => socket.end());
});
socket.on('error', ({ code }) => {
  process.stderr.write(`relay: ${code}\n`);
  process.exit(NO_SERVER);
});
let left = Buffer.alloc(0);
socket.on('data', (data) => {
  left = Buffer.concat([left, data]);
  while (left.length >= HEADER_BYTES) {
    const [kind] = left;
    const end = HEADER_BYTES + left.readUInt32BE(1);
    if (left.length < end) return;
    const payload = left.subarray(HEADER_BYTES, end);
    left = left.subarray(end);
    if (kind === 1) process.stdout.write(payload);
    else if (kind === 2) process.stderr.write(payload);
    else process.exit(payload[0]);
  }
});
socket.on('end', () => process.exit(NO_EXIT_CODE));
