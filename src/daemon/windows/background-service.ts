import { windowsPaths } from '../../protocol/paths.js';
import { windowsServices } from '../../windows/index.js';
import type { BackgroundStart } from '../host-side/background-start.js';

/** The installed service, started with the arguments of the daemon in place of its usual ones. */
export const backgroundService: BackgroundStart = {
  check: () => undefined,
  async start({ command, env }) {
    const services = await windowsServices();
    const { serviceName } = windowsPaths(env);
    services.start(serviceName, command.slice(command.indexOf('daemon') + 1));
    return {
      get exitCode() {
        const found = services.find(serviceName);
        return found === undefined || found.state === 'stopped' ? (found?.exitCode ?? 1) : undefined;
      },
    };
  },
};
