import type { Finding } from '../protocol/messages.js';

/**
 * Whether variables lead Docker's clients to another engine: https://docs.docker.com/reference/cli/docker/#environment-variables.
 * Undefined if none does.
 * @param endpoints of mobyvm's engine, as `DOCKER_HOST` takes them
 */
export function clientFinding(
  env: Readonly<Record<string, string | undefined>>,
  endpoints: readonly string[],
): Finding | undefined {
  const { DOCKER_HOST: host = '', DOCKER_CONTEXT: context = '' } = env;
  const named = { id: 'docker-client', title: "Docker's clients", verdict: 'notice' } as const;
  if (host !== '' && !endpoints.some((each) => each.toLowerCase() === host.toLowerCase()))
    return {
      ...named,
      detail: `DOCKER_HOST is ${host}, so \`docker\` does not use mobyvm`,
      remedy: 'Unset DOCKER_HOST, or set it as `mobyvm status` shows it.',
    };
  // DOCKER_HOST has precedence over it.
  if (host === '' && context !== '' && context !== 'default')
    return {
      ...named,
      detail: `DOCKER_CONTEXT is ${context}: \`docker\` uses the engine of that context`,
      remedy: 'Unset DOCKER_CONTEXT if that is not mobyvm.',
    };
  return undefined;
}
