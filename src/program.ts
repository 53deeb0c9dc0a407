import { fileURLToPath } from 'node:url';
import { processByteStreams } from './cli/byte-streams.js';
import { runCommand } from './cli/commands.js';
import { watchOutputReader } from './cli/output-reader.js';
import { processInput } from './cli/read-input.js';
import { processTerminal, type ProcessTerminal } from './cli/terminal.js';
import { errnoOf, reportOf } from './core/values/index.js';
import { hostServices, type HostServices } from './daemon/host-services.js';
import { nearestPlatform } from './daemon/platform.js';
import type { ProcessEnd } from './daemon/process-end.js';
import { daemonProgram } from './daemon/program.js';
import { listenForStop } from './daemon/stop-requests.js';
import type { Supervisor } from './daemon/supervisor.js';
import { errorLines } from './protocol/error-text.js';
import { EXIT_INTERRUPTED, exitCodeOf } from './protocol/exit-code.js';
import { instancePaths, type InstancePaths } from './protocol/paths.js';
import { missingRightsError } from './protocol/platform.js';

export interface ProgramOptions {
  /** Whose arguments, environment, streams and signals these are. */
  readonly host: NodeJS.Process;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** URL of the file that commands are started with. */
  readonly entry: string;
  readonly processEnd: ProcessEnd;
  /** Instead of the process's own streams. */
  readonly terminal?: ProcessTerminal;
  readonly supervisor?: Supervisor;
  /** One more request to stop. */
  readonly stopRequested?: AbortSignal;
  /** Gets the lines that describe an error to a person, however it is printed. */
  readonly onError?: (lines: readonly string[]) => void;
  /** Instead of some of the platform's own. */
  readonly services?: Partial<HostServices>;
}

/** Runs one command, `daemon` included. @returns its exit code */
export async function runProgram(options: ProgramOptions): Promise<number> {
  const { host, args, env, entry, processEnd, supervisor, stopRequested } = options;
  const platform = nearestPlatform();
  const terminal = options.terminal ?? processTerminal(host, watchOutputReader(platform, host.pid));
  const report = reporter(options, terminal);
  let paths: InstancePaths;
  try {
    paths = instancePaths(platform, env);
  } catch (error) {
    return report(error, '');
  }
  const { rights, ...services } = {
    ...hostServices(platform, { userId: host.getuid?.(), env }),
    ...options.services,
  };
  const interrupt = new AbortController();
  const shared = {
    paths,
    platform,
    rights,
    env,
    commandLine: ['mobyvm', ...args].join(' ').slice(0, 200),
    pid: host.pid,
    interrupted: interrupt.signal,
    packageDir: fileURLToPath(new URL('../', entry)),
  };
  const daemon = daemonProgram({
    ...shared,
    ...services,
    self: [host.execPath, fileURLToPath(entry)],
    processEnd,
    printError: (line) => terminal.error(line),
    ...(supervisor && { supervisor }),
  });

  let stopRequests = 0;
  listenForStop(platform, host, (isRepeatable) => {
    // The first request is polite; the second ends the process at once.
    if (!isRepeatable) stopRequests += 1;
    if (stopRequests > 1) host.exit(EXIT_INTERRUPTED);
    interrupt.abort();
  });
  stopRequested?.addEventListener('abort', () => interrupt.abort(), { once: true });
  // Nobody reads any more, as after `mobyvm logs --follow | head`.
  terminal.onClosed(() => interrupt.abort());

  try {
    const input = processInput(host.stdin);
    return await runCommand(args, { ...shared, terminal, input, bytes: processByteStreams(host), daemon });
  } catch (error) {
    const isDenied = errnoOf(error) === 'EACCES' && !(await rights.areHeld());
    return report(isDenied ? missingRightsError(rights, error) : error, paths.daemonLog);
  }
}

/** @returns prints an error and returns its exit code */
function reporter(
  { args, onError }: ProgramOptions,
  terminal: ProcessTerminal,
): (error: unknown, logPath: string) => number {
  return (error, logPath) => {
    const told = reportOf(error);
    const lines = errorLines(told, logPath);
    onError?.(lines);
    // What follows `--` is for another program.
    const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
    if (own.includes('--json') || own.includes('--background')) terminal.out(JSON.stringify({ error: told }));
    else lines.forEach((line) => terminal.error(line));
    if (told.code === 'MOBYVM_BUG' && error instanceof Error) terminal.error(error.stack ?? '');
    return exitCodeOf(told.code);
  };
}
