import { Listeners, type LogEvent, type LogFields } from '../core/host/index.js';
import type { LogLevel } from '../protocol/log-record.js';

/** One record of the daemon's log. */
export interface RecentRecord {
  /** ISO 8601. */
  readonly time: string;
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

const KEPT = 500;

/** The latest records of the log, for clients that watch it. The files have all of them. */
export class RecentRecords {
  readonly #records: RecentRecord[] = [];
  readonly #listeners = new Listeners<RecentRecord>();

  add(level: LogLevel, event: LogEvent, fields: LogFields): void {
    const record = { time: new Date().toISOString(), level, event, fields };
    this.#records.push(record);
    if (this.#records.length > KEPT) this.#records.shift();
    this.#listeners.emit(record);
  }

  list(): readonly RecentRecord[] {
    return [...this.#records];
  }

  onRecord(listener: (record: RecentRecord) => void): () => void {
    return this.#listeners.add(listener);
  }
}
