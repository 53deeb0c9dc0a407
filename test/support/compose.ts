import { existsSync } from 'node:fs';
import { run, type RunOptions, type RunResult } from '../../src/core/host/index.js';

/** Where Debian's package docker-compose puts it: as a program (1.29 of Debian 12), as the client's plugin (2 of Debian 13). */
const PLACES = ['/usr/bin/docker-compose', '/usr/libexec/docker/cli-plugins/docker-compose'];

/** @param options `env` holds DOCKER_HOST */
export function compose(args: readonly string[], options: RunOptions): Promise<RunResult> {
  const program = PLACES.find((place) => existsSync(place));
  if (program === undefined) throw new Error('docker-compose is not installed; run scripts/test');
  return run(program, args, options);
}
