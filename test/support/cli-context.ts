import { resolve } from 'node:path';
import type { CommandContext, DaemonProgram } from '../../src/cli/context.js';
import type { Terminal } from '../../src/cli/terminal.js';
import { linuxPaths } from '../../src/protocol/paths.js';
import { rightsOf } from '../../src/protocol/platform.js';

export const LINUX_RIGHTS = rightsOf('linux', () => Promise.resolve(true));

/** A terminal that collects what is printed. */
export function printedBy(isInteractive = false): { readonly lines: string[]; readonly terminal: Terminal } {
  const lines: string[] = [];
  return {
    lines,
    terminal: {
      isInteractive,
      columns: 80,
      out: (line) => void lines.push(line),
      error: (line) => void lines.push(line),
      prompt: (text) => void lines.push(text),
      status: () => undefined,
      redraw: (shown) => void lines.push(...shown),
      watchReader: () => () => undefined,
    },
  };
}

/** A daemon's side that cannot do anything; tests replace what their command needs. */
export const NO_DAEMON: DaemonProgram = {
  run: notExpected,
  startInBackground: notExpected,
  holder: () => Promise.resolve(undefined),
  isAlive: () => Promise.resolve(false),
  leftovers: () => Promise.resolve(0),
  dataDisk: () => Promise.resolve(undefined),
  savedVm: () => Promise.resolve(undefined),
  examineHost: notExpected,
  diagnose: notExpected,
  service: notExpected,
  buildImage: notExpected,
};

/** The context of a command of an instance that doesn't exist; tests replace what they need. */
export function commandContext(changes: Partial<CommandContext> = {}): CommandContext {
  return {
    paths: linuxPaths({
      MOBYVM_STATE_DIR: '/nonexistent/s',
      MOBYVM_RUN_DIR: '/nonexistent/r',
      MOBYVM_LOG_DIR: '/nonexistent/l',
      MOBYVM_SETTINGS: '/nonexistent/x',
    }),
    platform: 'linux',
    rights: LINUX_RIGHTS,
    terminal: printedBy().terminal,
    env: {},
    commandLine: 'mobyvm',
    pid: 1,
    interrupted: new AbortController().signal,
    input: { isTerminal: false, read: notExpected, readLine: notExpected, readHidden: notExpected },
    bytes: { screen: undefined, openInput: notPossible, write: notExpected },
    packageDir: resolve(import.meta.dirname, '../..'),
    daemon: NO_DAEMON,
    ...changes,
  };
}

function notPossible(): never {
  throw new TypeError('not expected in this test');
}

function notExpected(): Promise<never> {
  return Promise.reject(new TypeError('not expected in this test'));
}
