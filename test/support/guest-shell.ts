import type { Instance } from './instance.js';

/**
 * Runs a script as root of the guest itself, through a container that has all of the guest. The script comes by standard
 * input, so that nothing of it stands in an argument list.
 */
export async function inGuest(
  instance: Pick<Instance, 'docker'>,
  image: string,
  script: string,
): Promise<string> {
  return instance.docker(
    ['run', '--rm', '-i', '--privileged', '--pid=host', '--network=host', '-v', '/:/guest', image].concat([
      '/guest/bin/busybox',
      'chroot',
      '/guest',
      '/bin/sh',
    ]),
    { input: script },
  );
}
