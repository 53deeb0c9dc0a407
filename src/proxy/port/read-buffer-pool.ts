/**
 * Buffers that sockets read into. A quiet socket has a small buffer; one that fills it gets a large one from
 * a shared pool and keeps it until it is quiet again. Large reads make a forwarder fast: every read is a
 * system call, whatever its size.
 */
const SMALL_BYTES = 1024;
/** For sockets that would use a large buffer while the pool is exhausted. */
const MEDIUM_BYTES = 16 * 1024;
const LARGE_BYTES = 256 * 1024;
/** 32 MiB for all connections together. */
const MAX_LARGE = 128;

const free: Buffer[] = [];
let allocated = 0;

/** The buffer to start with. */
export function smallBuffer(): Buffer {
  return Buffer.allocUnsafe(SMALL_BYTES);
}

/** The buffer for the next read, after `count` bytes came into `buffer` and have been consumed. */
export function nextBuffer(buffer: Buffer, count: number): Buffer {
  if (count === buffer.length) return larger(buffer);
  if (count >= MEDIUM_BYTES || buffer.length === SMALL_BYTES) return buffer;
  releaseBuffer(buffer);
  return smallBuffer();
}

/** The socket is closed and no longer reads. */
export function releaseBuffer(buffer: Buffer): void {
  if (buffer.length === LARGE_BYTES) free.push(buffer);
}

function larger(buffer: Buffer): Buffer {
  if (buffer.length === LARGE_BYTES) return buffer;
  const pooled = free.pop();
  if (pooled !== undefined) return pooled;
  if (allocated >= MAX_LARGE)
    return buffer.length === MEDIUM_BYTES ? buffer : Buffer.allocUnsafeSlow(MEDIUM_BYTES);
  allocated += 1;
  return Buffer.allocUnsafeSlow(LARGE_BYTES);
}
