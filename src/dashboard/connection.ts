import { ALIVE_EVERY_MS, EVENTS_PATH, EVENTS_PROTOCOL, TOKEN_PROTOCOL } from '../protocol/event-stream.js';
import { ApiError, call, renewToken } from './api.js';
import { afterEvent } from './live.js';
import type { ServerEvent, Topic } from './messages.js';
import { currentLive, setLive } from './store.js';
import { takeToken } from './token.js';

/** A stream that is silent for so long has lost its daemon, such as one that was stopped by a debugger. */
const SILENT_MS = ALIVE_EVERY_MS * 2.5;
const RETRY_MS = [250, 500, 1_000, 2_000, 4_000];

const ALWAYS: readonly Topic[] = [
  'status',
  'operation',
  'usage',
  'ports',
  'containers',
  'shares',
  'leases',
  'dns',
];

/** Keeps the page connected to the daemon, and what it shows up to date. */
class EventConnection {
  #socket: WebSocket | undefined;
  #attempts = 0;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #more: readonly Topic[] = [];
  #container: string | undefined;

  /** Besides those that are always watched. @param container what the topic `output` is about */
  watch(more: readonly Topic[], container?: string): void {
    this.#more = more;
    this.#container = container;
    this.#sendTopics();
  }

  connect(): void {
    const socket = new WebSocket(`ws://${location.host}${EVENTS_PATH}`, [
      EVENTS_PROTOCOL,
      `${TOKEN_PROTOCOL}${takeToken() ?? ''}`,
    ]);
    this.#socket = socket;
    this.#listenForSilence();
    socket.addEventListener('open', () => {
      this.#attempts = 0;
      this.#sendTopics();
    });
    socket.addEventListener('message', ({ data }: MessageEvent<string>) => {
      if (socket !== this.#socket) return;
      this.#listenForSilence();
      setLive(afterEvent(currentLive(), JSON.parse(data) as ServerEvent, Date.now()));
    });
    socket.addEventListener('close', () => {
      if (socket === this.#socket) void this.#lost();
    });
  }

  #sendTopics(): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify({ watch: [...ALWAYS, ...this.#more], container: this.#container }));
  }

  #listenForSilence(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      const socket = this.#socket;
      this.#socket = undefined;
      socket?.close();
      void this.#lost();
    }, SILENT_MS);
  }

  /** A browser does not tell why a WebSocket was refused, so the reason is asked for. */
  async #lost(): Promise<void> {
    clearTimeout(this.#silence);
    this.#socket = undefined;
    if (currentLive().connection !== 'connecting') setLive({ ...currentLive(), connection: 'lost' });
    const waitMs = RETRY_MS[Math.min(this.#attempts, RETRY_MS.length - 1)] ?? 0;
    this.#attempts += 1;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    try {
      await call('/v1/daemon');
    } catch (error) {
      if (error instanceof ApiError && error.status === 401 && !(await this.#isRenewed())) {
        setLive({ ...currentLive(), connection: 'locked' });
        return;
      }
      if (!(error instanceof ApiError) && currentLive().connection === 'connecting')
        setLive({ ...currentLive(), connection: 'lost' });
    }
    this.connect();
  }

  async #isRenewed(): Promise<boolean> {
    return renewToken().catch(() => true);
  }
}

export const connection = new EventConnection();
