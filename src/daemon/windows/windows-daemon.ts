import { join } from 'node:path';
import { windowsProgram, type Logger } from '../../core/host/index.js';
import { PowerShellSession, PowerShellSessions } from '../../powershell/index.js';
import { namedPipes, windowsServices } from '../../windows/index.js';
import type { DaemonContext } from '../daemon-context.js';
import type { DaemonPlatform } from '../host-side/daemon-platform.js';
import { packagedImage } from '../packaged-image.js';
import { withEngineGroup } from './engine-group.js';
import { neededServices } from './needed-services.js';
import { windowsHostFacts } from './windows-host.js';
import { windowsMachine } from './windows-machine.js';

/** Named pipes, and a machine in Hyper-V. */
export async function windowsDaemon({
  env,
  self,
  supervisor,
  packageDir,
}: DaemonContext): Promise<DaemonPlatform> {
  const pipes = await namedPipes(supervisor?.installedBy === undefined ? [] : [supervisor.installedBy]);
  const [program] = self;
  const image = await packagedImage(join(packageDir, 'image'));
  const executable = windowsProgram('WindowsPowerShell\\v1.0\\powershell', env['SystemRoot']);
  const newSession = (logger: Logger): PowerShellSession =>
    new PowerShellSession({ executable, env, logger });
  return {
    listen: withEngineGroup({ listen: pipes.listen, exists: pipes.hasGroup, powerShell: newSession }),
    engineGroup: 'docker-users',
    machine: (options) => {
      const sessions = new PowerShellSessions(() => newSession(options.logger));
      return windowsMachine({
        sessions,
        program,
        packagedImage: image,
        ...windowsHostFacts(env['SystemRoot']),
        preconditions: [neededServices(windowsServices)],
      })(options);
    },
    close: () => pipes.close(),
  };
}
