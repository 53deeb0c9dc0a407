import { useEffect, useState } from 'preact/hooks';
import { withoutRepetition } from '../../protocol/log-record.js';
import { connection } from '../connection.js';
import { timeText } from '../format.js';
import { LineView, type Line } from '../line-view.js';
import type { Live } from '../live.js';
import type { LogRecord } from '../messages.js';

export function Console({ live: { console } }: { live: Live }) {
  useEffect(() => {
    connection.watch(['console']);
    return () => connection.watch([]);
  }, []);
  return (
    <LineView
      title="Console of the VM"
      lines={console.lines.map((text, at) => ({ key: console.dropped + at, text, tone: '' }))}
      empty="The VM has printed nothing."
    />
  );
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export function Log({ live: { log } }: { live: Live }) {
  const [least, setLeast] = useState<LogRecord['level']>('debug');
  useEffect(() => {
    connection.watch(['log']);
    return () => connection.watch([]);
  }, []);
  const lines = log.lines.map((record, at) => ({ record, key: log.dropped + at }));
  const from = LEVELS.indexOf(least);
  return (
    <LineView
      title="Log of the daemon"
      lines={lines
        .filter(({ record }) => LEVELS.indexOf(record.level) >= from)
        .map(({ record, key }) => ({ key, ...lineOf(record) }))}
      empty={least === 'debug' ? 'The log is empty.' : 'There is nothing of that level.'}
      extra={
        <label>
          <span class="hidden">Least level</span>
          <select
            value={least}
            onChange={({ currentTarget: { value } }) =>
              setLeast(LEVELS.find((each) => each === value) ?? 'debug')
            }
          >
            <option value="debug">all levels</option>
            <option value="info">info and above</option>
            <option value="warn">warnings and errors</option>
            <option value="error">errors</option>
          </select>
        </label>
      }
    />
  );
}

function lineOf({ time, level, event, fields: all }: LogRecord): Omit<Line, 'key'> {
  const { fields, repetition } = withoutRepetition(all);
  const details = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
  if (repetition !== undefined) details.push(repetition);
  return { text: [timeText(time), level.padEnd(5), event, ...details].join(' '), tone: level };
}
