import { parentPort, workerData } from 'node:worker_threads';
import { getQueuedCompletionStatusEx, OVERLAPPED_ENTRY } from '../calls/completion-port.js';
import { allocate } from '../calls/memory.js';
import { STOP_KEY } from './completion-keys.js';

const CAPACITY = 64;
/** Limited, so that Node can end this thread should nothing wake it. */
const WAIT_MS = 10_000;

const port = Number(workerData);
const entries = allocate(CAPACITY * OVERLAPPED_ENTRY.length);
const removed = new Uint32Array(new ArrayBuffer(4));

for (let isStopped = false; !isStopped;) {
  const isFilled = getQueuedCompletionStatusEx(port, entries.address, CAPACITY, removed, WAIT_MS, 0) !== 0;
  // After a wait without completions the entries are those of an earlier one, and Wine counts one of them.
  const count = isFilled ? (removed[0] ?? 0) : 0;
  const batch: number[] = [];
  for (let index = 0; index < count; index++) {
    const entry = index * OVERLAPPED_ENTRY.length;
    const key = entries.bytes.readUInt32LE(entry + OVERLAPPED_ENTRY.key);
    if (key === STOP_KEY) isStopped = true;
    else
      batch.push(
        key,
        Number(entries.bytes.readBigUInt64LE(entry + OVERLAPPED_ENTRY.overlapped)),
        entries.bytes.readUInt32LE(entry + OVERLAPPED_ENTRY.transferred),
      );
  }
  if (batch.length > 0) parentPort?.postMessage(batch);
}
entries.free();
