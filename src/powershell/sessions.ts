import type { PowerShell } from './powershell.js';

/**
 * What a session is used for. A session runs one call at a time, so calls that must not wait for one another
 * use different ones:
 *
 * - `life`: starting, saving and stopping the virtual machine, up to five minutes
 * - `look`: everything quick: reading the machine and the host, setting up network and hardware
 * - `exchange`: key-value items, polled several times a second while an answer is awaited
 * - `disk`: compacting the data disk, up to an hour
 */
export type SessionPurpose = 'life' | 'look' | 'exchange' | 'disk';

/**
 * PowerShell sessions by purpose over one way to create them. Each is created when it is first used, and
 * creating one starts no process: that happens at its first call.
 */
export class PowerShellSessions {
  readonly #create: (purpose: SessionPurpose) => PowerShell;
  readonly #sessions = new Map<SessionPurpose, PowerShell>();
  #isClosed = false;

  constructor(create: (purpose: SessionPurpose) => PowerShell) {
    this.#create = create;
  }

  /** Always the same for the same purpose. After `close` it is a closed one. */
  for(purpose: SessionPurpose): PowerShell {
    const known = this.#sessions.get(purpose);
    if (known !== undefined) return known;
    const created = this.#create(purpose);
    this.#sessions.set(purpose, created);
    if (this.#isClosed) void created.close();
    return created;
  }

  /** Ends all sessions and their processes. Calls that wait fail. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#sessions.values()].map((session) => session.close()));
  }
}
