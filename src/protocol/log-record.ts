/** The levels of the daemon's log, the most important first. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

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
