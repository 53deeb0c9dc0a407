import { followProgram, type FollowedProgram, type Logger } from '../../../core/host/index.js';
import { changeInIpLine, changeInNftLine, type IsOurs, type NetworkChange } from './change-line.plan.js';
import { tableNameOf, tapNameOf } from './link-name.plan.js';

/** Announces changes of the host's network for as long as it is open. */
export interface NetworkWatch {
  /** False when changes may go unnoticed: whoever relies on them has to look. */
  readonly isWatching: boolean;
  close(): Promise<void>;
}

export interface NetworkWatchOptions {
  /** The present name of the bridge. */
  readonly bridge: () => string;
  readonly onChange: (change: NetworkChange) => void;
  readonly logger: Logger;
  /** 1,000 if absent; each failure doubles it, up to five minutes. */
  readonly firstRetryMs?: number;
}

type Decode = (line: string, isOurs: IsOurs) => NetworkChange | undefined;

const SOURCES: readonly { readonly command: readonly [string, ...string[]]; readonly decode: Decode }[] = [
  {
    command: ['ip', '-4', '-o', 'monitor', 'link', 'address', 'route', 'netconf'],
    decode: changeInIpLine,
  },
  { command: ['nft', 'monitor'], decode: changeInNftLine },
];
const LONGEST_RETRY_MS = 300_000;

/** Follows the network of this namespace: `ip monitor` and `nft monitor`, which cost nothing while nothing changes. */
export function watchNetwork(options: NetworkWatchOptions): NetworkWatch {
  const sources = SOURCES.map(({ command, decode }) => new Source(command, decode, options));
  return {
    get isWatching() {
      return sources.every(({ isRunning }) => isRunning);
    },
    close: async () => {
      await Promise.all(sources.map((source) => source.close()));
    },
  };
}

/** One program, started again when it ends. */
class Source {
  readonly #command: readonly [string, ...string[]];
  readonly #decode: Decode;
  readonly #options: NetworkWatchOptions;
  #program: FollowedProgram | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs: number;
  #isClosed = false;

  constructor(command: readonly [string, ...string[]], decode: Decode, options: NetworkWatchOptions) {
    this.#command = command;
    this.#decode = decode;
    this.#options = options;
    this.#retryMs = options.firstRetryMs ?? 1_000;
    this.#start();
  }

  get isRunning(): boolean {
    return this.#program !== undefined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    await this.#program?.close();
  }

  #start(): void {
    const { bridge, onChange } = this.#options;
    const isOurs = (name: string): boolean =>
      [bridge(), tapNameOf(bridge()), tableNameOf(bridge())].includes(name);
    const program = followProgram(this.#command, (line) => {
      const change = this.#decode(line, isOurs);
      if (change !== undefined && !this.#isClosed) onChange(change);
    });
    this.#program = program;
    void program.ended.then(() => this.#ended());
  }

  #ended(): void {
    this.#program = undefined;
    if (this.#isClosed) return;
    this.#options.logger.warn('network.watch.ended', { program: this.#command.join(' ') });
    this.#retry = setTimeout(() => this.#start(), this.#retryMs).unref();
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
  }
}
