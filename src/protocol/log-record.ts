/** The levels of the daemon's log, the most important first. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * Takes the fields that say how often a record was repeated from the others, as text for a person: "(repeated 14 times
 * within 298 s)". Without text, if the record says no such thing.
 */
export function withoutRepetition<T>(fields: Readonly<Record<string, T>>): {
  readonly fields: Readonly<Record<string, T>>;
  readonly repetition?: string;
} {
  const { repeated, withinSeconds, ...others } = fields;
  if (typeof repeated !== 'number' || typeof withinSeconds !== 'number') return { fields };
  const times = repeated === 1 ? 'once' : `${repeated} times`;
  return { fields: others, repetition: `(repeated ${times} within ${withinSeconds} s)` };
}

/** What the names of the log's events begin with; a test compares them with the events that the sources log. */
export const LOG_COMPONENTS = [
  'certificates',
  'control',
  'daemon',
  'dhcp',
  'dns',
  'engine',
  'guard',
  'guest',
  'image',
  'kvp',
  'listener',
  'machine',
  'network',
  'operation',
  'ports',
  'powershell',
  'resource',
  'resources',
  'share',
  'shell',
  'step',
  'vm',
] as const;
