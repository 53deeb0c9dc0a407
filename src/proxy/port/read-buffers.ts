/**
 * Memory that sockets read into. A socket that says little has a small buffer of its own; one that fills it gets a large one, out of
 * a few that are shared, until it says little again. Large reads are what makes a forwarder fast: each one costs a call into
 * the kernel and one back, whatever its size.
 */
const SMALL_BYTES = 1024;
/** For whoever would have a large one when all are taken. */
const MEDIUM_BYTES = 16 * 1024;
const LARGE_BYTES = 256 * 1024;
/** 32 MiB for all connections together. */
const MAX_LARGE = 128;

const free: Buffer[] = [];
let made = 0;

/** To begin with. */
export function smallBuffer(): Buffer {
  return Buffer.allocUnsafe(SMALL_BYTES);
}

/** What to read into after `count` bytes came into `buffer`, and nobody needs those any more. */
export function nextBuffer(buffer: Buffer, count: number): Buffer {
  if (count === buffer.length) return larger(buffer);
  if (count >= MEDIUM_BYTES || buffer.length === SMALL_BYTES) return buffer;
  giveBack(buffer);
  return smallBuffer();
}

/** The socket is closed. */
export function giveBack(buffer: Buffer): void {
  if (buffer.length === LARGE_BYTES) free.push(buffer);
}

function larger(buffer: Buffer): Buffer {
  if (buffer.length === LARGE_BYTES) return buffer;
  const one = free.pop();
  if (one !== undefined) return one;
  if (made >= MAX_LARGE)
    return buffer.length === MEDIUM_BYTES ? buffer : Buffer.allocUnsafeSlow(MEDIUM_BYTES);
  made += 1;
  return Buffer.allocUnsafeSlow(LARGE_BYTES);
}
