/** The event stream's address and names; without schemas, for the dashboard's page. */

/** A WebSocket, a JSON message per frame in both directions. */
export const EVENTS_PATH = '/v1/events';
/** The subprotocol; a browser sends its token as a second one, because it cannot send other headers. */
export const EVENTS_PROTOCOL = 'mobyvm.v1';
/** What the second subprotocol of a browser begins with, before the token. */
export const TOKEN_PROTOCOL = 'mobyvm.token.';

/** How often the daemon sends something; a stream that is silent for much longer has lost it. */
export const ALIVE_EVERY_MS = 5_000;
