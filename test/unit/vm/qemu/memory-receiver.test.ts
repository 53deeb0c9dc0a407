import { createConnection } from 'node:net';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { crc32OfFile, MemoryReceiver } from '../../../../src/vm/qemu/memory-receiver.js';

const SIGNAL = new AbortController().signal;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-memory-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('memory is written as it comes, with its size and its checksum', async () => {
  const [socket, path] = [join(folder, 'socket'), join(folder, 'memory')];
  const memory = Buffer.alloc(3_000_001, 'memory of a guest');
  const receiver = await MemoryReceiver.listen(socket, path);
  const peer = createConnection(socket);
  await once(peer, 'connect');
  peer.end(memory);
  const received = await receiver.written;
  await receiver.close();
  expect(received).toEqual({ bytes: memory.length, crc32: crc32(memory) });
  expect((await readFile(path)).equals(memory)).toBe(true);
  expect(await crc32OfFile(path, SIGNAL)).toBe(received.crc32);
});

test('one changed bit changes the checksum of a file', async () => {
  const path = join(folder, 'changed');
  const memory = Buffer.alloc(2_000_000, 1);
  await writeFile(path, memory);
  const before = await crc32OfFile(path, SIGNAL);
  memory[1_500_000] = 3;
  await writeFile(path, memory);
  expect(await crc32OfFile(path, SIGNAL)).not.toBe(before);
});
