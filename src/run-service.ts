import { appendFileSync } from 'node:fs';
import type { ProcessTerminal } from './cli/terminal.js';
import type { ProgramOptions } from './program.js';
import { instancePaths } from './protocol/paths.js';
import { decodeServiceArguments } from './protocol/service-arguments.js';
import { startAsService, writeWindowsEvent } from './windows/index.js';

export type ServiceOptions = Pick<ProgramOptions, 'host' | 'args' | 'env' | 'entry' | 'services'>;

/**
 * Runs the daemon as a Windows service. Windows allows a service 30 seconds until it answers, so the program is loaded
 * after Windows has been told that the service is starting.
 */
export async function runService(options: ServiceOptions): Promise<void> {
  const { name, env: moved, user } = decodeServiceArguments(options.args);
  const life = await startAsService(name, options.host);
  const { ProcessEnd } = await import('./daemon/process-end.js');
  const { runProgram } = await import('./program.js');

  const env = { ...options.env, ...moved };
  const processEnd = new ProcessEnd(options.host);
  // Windows would wait for it. A daemon that has come further says what was still open.
  processEnd.mustCome(() => undefined);
  const errors: string[] = [];
  const code = await runProgram({
    ...options,
    args: ['daemon', ...life.args],
    env,
    entry: new URL('./main.js', options.entry).href,
    processEnd,
    terminal: fileTerminal(outputFile(env)),
    supervisor: { ...life, installedBy: user },
    stopRequested: life.stopRequested,
    onError: (lines) => errors.push(...lines),
  });
  if (errors.length > 0) await writeWindowsEvent(name, 'error', errors.join('\n')).catch(() => undefined);
  life.ending();
  processEnd.end(code);
}

/** A service has no console. `mobyvm up` reads this file when the service does not start. */
function fileTerminal(path: string | undefined): ProcessTerminal {
  const append = (line: string): void => {
    try {
      if (path !== undefined) appendFileSync(path, `${line}\n`);
    } catch {
      // Its folder does not exist before the first start; then only the event log has it.
    }
  };
  return {
    isInteractive: false,
    columns: 80,
    out: append,
    error: append,
    prompt: () => undefined,
    status: () => undefined,
    redraw: () => undefined,
    watchReader: () => () => undefined,
    onClosed: () => undefined,
  };
}

function outputFile(env: ProgramOptions['env']): string | undefined {
  try {
    return instancePaths('windows', env).daemonOutput;
  } catch {
    // The program says what is wrong with its paths.
    return undefined;
  }
}
