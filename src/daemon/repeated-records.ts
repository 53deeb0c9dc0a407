import type { LogEvent, LogFields } from '../core/host/index.js';
import type { LogLevel } from '../protocol/log-record.js';

/** A record of the log as it is written. */
export interface WrittenRecord {
  readonly level: LogLevel;
  readonly event: LogEvent;
  readonly fields: LogFields;
}

/** A record that was written, while the same again is counted. */
interface Counted {
  readonly record: WrittenRecord;
  /** The record in full, to compare by. */
  readonly identity: string;
  readonly endsMs: number;
  /** When it was written, or its repetitions were. */
  sinceMs: number;
  lastMs: number;
  repeated: number;
}

const WINDOW_MS = 5 * 60_000;
const MAX_COUNTED = 200;
/** A command's records are complete, also when an earlier command had the same. */
const BEGINS_COMMAND: LogEvent = 'operation.begun';

/**
 * Writes each record at once, but the same again only as a count: the record with `repeated` and `withinSeconds`, when
 * five minutes are over, a different record of that event is written, or the log ends.
 *
 * A warning or an error is the same whatever comes between, so that two faults that alternate are both counted.
 * Anything else is the same only while its component does nothing else: a port that is published, unpublished and
 * published again is written three times, and the last record written is how things are.
 *
 * INVARIANT: at most `MAX_COUNTED` records are kept; the oldest makes room.
 */
export class RepeatedRecords {
  readonly #write: (record: WrittenRecord) => void;
  /** In the order in which their time is over. */
  readonly #counted = new Map<string, Counted>();
  #timer: NodeJS.Timeout | undefined;

  constructor(write: (record: WrittenRecord) => void) {
    this.#write = write;
  }

  add(record: WrittenRecord): void {
    const nowMs = performance.now();
    this.#endOverdue(nowMs);
    if (record.event === BEGINS_COMMAND) this.end();
    const identity = JSON.stringify([record.level, record.event, record.fields]);
    const kind = kindOf(record, identity);
    const known = this.#counted.get(kind);
    if (known?.identity === identity) {
      known.repeated += 1;
      known.lastMs = nowMs;
      return;
    }
    for (const other of this.#counted.values())
      if (other === known || other.record.event === record.event) this.#writeCount(other);
    this.#counted.delete(kind);
    this.#write(record);
    this.#makeRoom();
    const endsMs = nowMs + WINDOW_MS;
    this.#counted.set(kind, { record, identity, endsMs, sinceMs: nowMs, lastMs: nowMs, repeated: 0 });
    this.#schedule(nowMs);
  }

  /** Writes what was counted; the same record afterwards is written again. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const each of this.#counted.values()) this.#writeCount(each);
    this.#counted.clear();
  }

  #endOverdue(nowMs: number): void {
    for (const [kind, each] of this.#counted) {
      if (each.endsMs > nowMs) return;
      this.#writeCount(each);
      this.#counted.delete(kind);
    }
  }

  #makeRoom(): void {
    const [oldest] = this.#counted;
    if (oldest === undefined || this.#counted.size < MAX_COUNTED) return;
    const [kind, counted] = oldest;
    this.#writeCount(counted);
    this.#counted.delete(kind);
  }

  #writeCount(counted: Counted): void {
    const { record, repeated, sinceMs, lastMs } = counted;
    if (repeated === 0) return;
    const withinSeconds = Math.ceil((lastMs - sinceMs) / 1000);
    this.#write({ ...record, fields: { ...record.fields, repeated, withinSeconds } });
    counted.sinceMs = lastMs;
    counted.repeated = 0;
  }

  /** One timer, for the record whose time is over first. */
  #schedule(nowMs: number): void {
    const [first] = this.#counted.values();
    if (this.#timer !== undefined || first === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#endOverdue(performance.now());
        this.#schedule(performance.now());
      },
      Math.max(first.endsMs - nowMs, 0),
    ).unref();
  }
}

function kindOf({ level, event }: WrittenRecord, identity: string): string {
  if (level === 'warn' || level === 'error') return identity;
  const [component] = event.split('.');
  return `${level} ${component}`;
}
