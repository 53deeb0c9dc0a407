import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import winston from 'winston';
import {
  fileAccessError,
  fileMode,
  folderMode,
  type LogEvent,
  type LogFields,
  type Logger,
} from '../core/host/index.js';
import { daemonLogFiles } from '../protocol/paths.js';
import { RecentRecords } from './recent-records.js';
import { RepeatedRecords } from './repeated-records.js';
import { RotatingFile } from './rotating-file.js';

export interface LogOptions {
  readonly path: string;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** Also print readable lines, for a daemon in the foreground. */
  readonly toConsole: boolean;
}

const MAX_FILE_BYTES = 4 * 1024 * 1024;

export type DaemonLog = Logger & {
  readonly recent: RecentRecords;
  setLevel(level: LogOptions['level']): void;
  /** Writes how often the latest records were repeated; nothing else is ever late. */
  end(): void;
};

/**
 * JSON lines `{time, level, event, …fields}`, in files of 4 MiB; the same record again is counted (see
 * `RepeatedRecords`). The only place that knows winston.
 */
export function openLog({ path, level, toConsole }: LogOptions): DaemonLog {
  checkPlace(path);
  const { combine, timestamp, printf } = winston.format;
  const records = printf(({ timestamp: time, level: severity, message, fields }) =>
    JSON.stringify({ time, level: severity, event: message, ...(fields as LogFields) }),
  );
  const log = winston.createLogger({
    level,
    format: combine(timestamp(), records),
    transports: [
      new winston.transports.Stream({
        stream: new RotatingFile({ files: daemonLogFiles({ daemonLog: path }), maxBytes: MAX_FILE_BYTES }),
        eol: '\n',
      }),
      ...(toConsole
        ? [new winston.transports.Console({ stderrLevels: ['debug', 'info', 'warn', 'error'] })]
        : []),
    ],
  });
  // A log that cannot be written (its disk is full) is no reason to stop the daemon.
  log.on('error', () => undefined);
  const recent = new RecentRecords();
  const repeated = new RepeatedRecords(({ level: severity, event, fields }) => {
    // As one field: winston would append a field named `message` to the event.
    log.log({ level: severity, message: event, fields });
    recent.add(severity, event, fields);
  });
  const write =
    (severity: LogOptions['level']) =>
    (event: LogEvent, fields: LogFields = {}): void => {
      if (log.isLevelEnabled(severity)) repeated.add({ level: severity, event, fields });
    };
  return {
    recent,
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    setLevel(next) {
      repeated.end();
      log.level = next;
    },
    end() {
      repeated.end();
    },
  };
}

/** Creates it now, because winston would report a failure later, in an event. @throws MobyvmError MOBYVM_STATE_FILE, MOBYVM_DISK_FULL */
function checkPlace(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: folderMode('everyone') });
    closeSync(openSync(path, 'a', fileMode('group')));
  } catch (error) {
    throw fileAccessError(path, error);
  }
}
