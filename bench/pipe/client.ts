import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

// client.js, in node.exe: measures both servers in turn with Node's own client and prints one line of JSON per measurement.
const ROUNDS = 5;
const ECHOES = 2_000;
const BYTES = 64 * 1024 * 1024;
const IDLE = 300;
const SERVER = fileURLToPath(new URL('./server.js', import.meta.url));

const dial = async (address: string): Promise<Socket> => {
  const client = connect(address);
  await once(client, 'connect');
  return client;
};

async function echoP50(address: string): Promise<number> {
  const client = await dial(address);
  const message = Buffer.alloc(100, 'e');
  const times: number[] = [];
  for (let index = 0; index < ECHOES; index++) {
    const started = performance.now();
    client.write(message);
    for (let left = message.length; left > 0;) left -= ((await once(client, 'data')) as [Buffer])[0].length;
    times.push(performance.now() - started);
  }
  client.destroy();
  return times.sort((a, b) => a - b)[ECHOES / 2] ?? 0;
}

async function upload(address: string): Promise<number> {
  const client = await dial(address);
  const chunk = Buffer.alloc(64 * 1024, 'S');
  const done = once(client, 'data');
  const started = performance.now();
  for (let left = BYTES; left > 0; left -= chunk.length)
    if (!client.write(chunk)) await once(client, 'drain');
  await done;
  client.destroy();
  return BYTES / 1024 / 1024 / ((performance.now() - started) / 1000);
}

async function download(address: string): Promise<number> {
  const client = await dial(address);
  const started = performance.now();
  client.write('G');
  await new Promise<void>((resolve) => {
    let left = BYTES;
    client.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left <= 0) resolve();
    });
  });
  client.destroy();
  return BYTES / 1024 / 1024 / ((performance.now() - started) / 1000);
}

async function connectionsPerSecond(address: string): Promise<number> {
  const started = performance.now();
  for (let index = 0; index < 200; index++) {
    const client = await dial(address);
    client.write('e');
    await once(client, 'data');
    client.destroy();
  }
  return 200 / ((performance.now() - started) / 1000);
}

async function idleKiB(address: string, server: ChildProcess): Promise<number> {
  const memory = async (): Promise<number> => {
    server.send('memory');
    return Number((await once(server, 'message'))[0]);
  };
  const clients: Socket[] = [];
  const open = async (count: number): Promise<number> => {
    clients.push(...(await Promise.all(Array.from({ length: count }, () => dial(address)))));
    // An answer to the last one means that all have been accepted.
    const last = await dial(address);
    clients.push(last);
    last.write('e');
    await once(last, 'data');
    return memory();
  };
  // The first ones make V8's heap grow, which happens once.
  const before = await open(IDLE);
  const after = await open(IDLE);
  for (const client of clients) client.destroy();
  return (after - before) / IDLE / 1024;
}

for (let round = 0; round < ROUNDS; round++) {
  for (const peer of round % 2 === 0 ? ['mobyvm', 'libuv'] : ['libuv', 'mobyvm']) {
    const address = String.raw`\\.\pipe\mobyvm_bench_${peer}_${round}`;
    const server = fork(SERVER, [peer, address, String(BYTES)], { execArgv: ['--expose-gc'] });
    await once(server, 'message');
    const idle = await idleKiB(address, server);
    const result = {
      peer,
      echoP50Ms: await echoP50(address),
      uploadMiBs: await upload(address),
      downloadMiBs: await download(address),
      connectionsPerSecond: await connectionsPerSecond(address),
      idleKiB: idle,
    };
    writeSync(1, `${JSON.stringify(result)}\n`);
    server.disconnect();
    await once(server, 'exit');
  }
}
