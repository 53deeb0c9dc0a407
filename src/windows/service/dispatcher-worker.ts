import { parentPort, workerData } from 'node:worker_threads';
import { getLastError } from '../calls/last-error.js';
import { allocate } from '../calls/memory.js';
import type { Address } from '../calls/libraries.js';
import { startServiceCtrlDispatcher } from '../calls/service-dispatcher.js';

/** What the worker is started with. */
export interface DispatcherData {
  readonly name: string;
  readonly serviceMain: Address;
}

/** SERVICE_TABLE_ENTRYW has two pointers; two null pointers end the table. */
const POINTER = 8;
const TABLE_BYTES = 4 * POINTER;

const { name, serviceMain } = workerData as DispatcherData;
const text = Buffer.from(`${name}\0`, 'utf16le');
const memory = allocate(TABLE_BYTES + text.length);
memory.bytes.fill(0);
text.copy(memory.bytes, TABLE_BYTES);
memory.bytes.writeBigUInt64LE(memory.address + BigInt(TABLE_BYTES), 0);
memory.bytes.writeBigUInt64LE(serviceMain, POINTER);

// Returns when the service has stopped, which nobody needs to know: the process is ending by then.
if (startServiceCtrlDispatcher(memory.address) === 0) parentPort?.postMessage(getLastError());
memory.free();
