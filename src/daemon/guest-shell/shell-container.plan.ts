import { VM_FOLDERS } from './shell-image.plan.js';

/** Marks the containers of shells, so that those which were left behind are found. */
export const SHELL_LABEL = 'com.mobyvm.shell';

export interface ShellRequest {
  /** A program and its arguments; root's shell if empty. */
  readonly command: readonly string[];
  /** The terminal of the user, if the shell gets one. */
  readonly terminal?: {
    /** As in the variable TERM. */
    readonly type: string;
    readonly columns: number;
    readonly rows: number;
  };
}

export interface ShellContainer {
  readonly image: string;
  /** The value of its label. */
  readonly mark: string;
  readonly request: ShellRequest;
}

/** All namespaces of the VM's first process that a container would have of its own. */
const ENTER = ['nsenter', '-t', '1', '-m', '-u', '-i', '-n', '-p', '--'];
/** No login shell: Debian's /etc/profile expects a run-parts(8) that busybox does not have. */
const SHELL = ['/bin/sh'];

/**
 * The body of `POST /containers/create` for a shell: a privileged container without namespaces of its own that enters
 * the VM's mounts at once.
 */
export function shellContainer({ image, mark, request }: ShellContainer): unknown {
  const { command, terminal } = request;
  const variables = ['HOME=/root', 'USER=root', 'LOGNAME=root', 'SHELL=/bin/sh', PATH];
  return {
    Image: image,
    Entrypoint: [],
    Cmd: [...ENTER, ...(command.length === 0 ? SHELL : command)],
    Env: terminal === undefined ? variables : [...variables, `TERM=${terminal.type}`],
    Labels: { [SHELL_LABEL]: mark },
    Tty: terminal !== undefined,
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      AutoRemove: true,
      Privileged: true,
      PidMode: 'host',
      NetworkMode: 'host',
      IpcMode: 'host',
      UTSMode: 'host',
      UsernsMode: 'host',
      CgroupnsMode: 'host',
      LogConfig: { Type: 'none' },
      ...(terminal !== undefined && { ConsoleSize: [terminal.rows, terminal.columns] }),
      Mounts: VM_FOLDERS.map((name) => ({
        Type: 'bind',
        Source: `/${name}`,
        Target: `/${name}`,
        ReadOnly: true,
        BindOptions: { NonRecursive: true, Propagation: 'rprivate' },
      })),
    },
  };
}

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
