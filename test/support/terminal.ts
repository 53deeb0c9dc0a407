import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, waitFor } from '../../src/core/host/index.js';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/**
 * A program in a real terminal that can be typed into, read and resized: tmux(1) with its own server. The
 * terminal outlives the program and then shows `left` and its exit code.
 */
export class Terminal implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async start(
    command: readonly string[],
    { env, columns, rows }: TerminalSize & { readonly env: Record<string, string | undefined> },
  ): Promise<Terminal> {
    const terminal = new Terminal(await mkdtemp(join(tmpdir(), 'mobyvm-it-terminal-')));
    try {
      // The status line would take up one row.
      await writeFile(join(terminal.#folder, 'tmux.conf'), 'set -g status off\n');
      const size = ['-x', String(columns), '-y', String(rows)];
      const inShell = ['sh', '-c', '"$@"; echo "left $?"; exec cat', 'sh', ...command];
      await terminal.#tmux(['new-session', '-d', ...size, ...inShell], env);
    } catch (error) {
      await terminal[Symbol.asyncDispose]();
      throw error;
    }
    return terminal;
  }

  /** @param keys as tmux names them: `C-p`, `Enter` */
  async press(...keys: readonly string[]): Promise<void> {
    await this.#tmux(['send-keys', ...keys]);
  }

  async type(text: string): Promise<void> {
    await this.#tmux(['send-keys', '-l', text]);
  }

  async enter(line: string): Promise<void> {
    await this.type(line);
    await this.press('Enter');
  }

  async resize({ columns, rows }: TerminalSize): Promise<void> {
    await this.#tmux(['resize-window', '-x', String(columns), '-y', String(rows)]);
  }

  /** Waits until its screen shows the pattern. */
  async shows(pattern: RegExp): Promise<void> {
    let screen = '';
    await waitFor(
      {
        title: `the terminal to show ${String(pattern)}`,
        timeoutSeconds: 120,
        hint: 'See the test.',
        everyMs: 50,
        check: async () => {
          screen = (await this.#tmux(['capture-pane', '-p', '-S', '-'])).trimEnd();
          return pattern.test(screen);
        },
      },
      new AbortController().signal,
    ).catch((error: unknown) => {
      throw new Error(`Not on the screen: ${String(pattern)}. The screen shows:\n${screen}`, {
        cause: error,
      });
    });
  }

  /** Also ends what runs in it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux(['kill-server']).catch(() => undefined);
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #tmux(
    args: readonly string[],
    env: Record<string, string | undefined> = process.env,
  ): Promise<string> {
    const place = ['-S', join(this.#folder, 'tmux.sock'), '-f', join(this.#folder, 'tmux.conf')];
    // tmux refuses to run inside another tmux.
    const { stdout } = await run('tmux', [...place, ...args], { env: { ...env, TMUX: undefined } });
    return stdout;
  }
}
