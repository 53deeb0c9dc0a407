/**
 * Tests see the same environment on every machine: not what a user has exported for another mobyvm or Docker
 * (`mobyvm up` prints such a line), and not their locale, time zone, terminal or umask.
 */
const FOREIGN = /^(?:DOCKER|COMPOSE|BUILDKIT)_|^MOBYVM_(?:STATE_DIR|RUN_DIR|LOG_DIR|SETTINGS)$|^LANG|^LC_/;

for (const name of Object.keys(process.env))
  if (FOREIGN.test(name)) Reflect.deleteProperty(process.env, name);
process.env['LC_ALL'] = 'C.UTF-8';
process.env['TZ'] = 'UTC';
process.env['TERM'] = 'xterm';
delete process.env['NO_COLOR'];
process.umask(0o022);
