import type { Duplex } from 'node:stream';

/**
 * Makes a client's stream fail if its peer has closed it for good. A client that has ended its input may be waiting
 * for output (half-close) or may have died, and the end of its bytes looks the same; so somebody has to ask.
 */
export type HangupProbe = (client: Duplex) => void;

const NOTHING = new Uint8Array(0);

/**
 * Linux gives EPIPE for writing even zero bytes to a unix stream socket whose peer is closed, and sends nothing to a
 * peer that lives (unix(7), net/unix/af_unix.c). Only for unix sockets: elsewhere zero bytes may mean something.
 */
export const unixHangupProbe: HangupProbe = (client) => void client.write(NOTHING);
