import { dirname, isAbsolute } from 'node:path';
import { PowerShell } from 'node-powershell';
import { textOf } from '../core/values/index.js';

export interface ShellProcessOptions {
  /** Absolute path, or a name on PATH. */
  readonly executable: string;
  readonly env: NodeJS.ProcessEnv;
  readonly onLine: (line: string) => void;
  /**
   * Called once, when it has ended, could not be started, or wrote too long a line. The reason continues
   * "PowerShell …".
   */
  readonly onEnd: (reason: string) => void;
  /** In characters. */
  readonly maxLineLength: number;
}

/**
 * Uses the given program: node-powershell itself prefers the variable NODE_POWERSHELL, which anyone may have
 * set.
 */
class NamedPowerShell extends PowerShell {
  protected override setExecutable({ executable }: { executable?: string }): string {
    return executable ?? super.setExecutable({});
  }
}

/** How much of its standard error is kept. */
const MAX_LAST_WORDS = 400;

/**
 * A PowerShell that reads commands line by line from its standard input. It uses node-powershell to start and
 * end the process, but not its `invoke`: that calls methods of `[Console]`, which Constrained Language Mode
 * rejects, waits forever when a line opens a block or a child reads the next lines, and keeps every command.
 * When we exit, it reads the end of its input and exits too.
 */
export class ShellProcess {
  readonly #shell: PowerShell;
  readonly #options: ShellProcessOptions;
  #pieces: string[] = [];
  #length = 0;
  #lastWords = '';
  #hasEnded = false;

  constructor(options: ShellProcessOptions) {
    this.#options = options;
    this.#shell = new NamedPowerShell({
      executable: options.executable,
      executableOptions: { '-NoProfile': true, '-NonInteractive': true },
      spawnOptions: { env: options.env, windowsHide: true, cwd: workingDirectoryFor(options.executable) },
    });
    const { stdin, stdout, stderr } = this.#shell.streams;
    // Why it cannot be written to is reported when it ends.
    stdin.on('error', () => undefined);
    stdout.on('data', (text: string) => this.#take(text));
    // Answers are on stdout; stderr has messages of the PowerShell host. It must be read, or the process
    // blocks, and
    // node-powershell reads only three chunks: ending its pipe later would stop the flow.
    stderr.unpipe();
    stderr.resume();
    stderr.on('data', (text: string) => (this.#lastWords = (this.#lastWords + text).slice(-MAX_LAST_WORDS)));
    exitOf(this.#shell).then(
      () => this.#end(withWords('has ended', this.#lastWords)),
      (error: unknown) => this.#end(withWords('has ended', `${textOf(error)} ${this.#lastWords}`)),
    );
  }

  write(line: string): void {
    this.#shell.streams.stdin.write(`${line}\n`);
  }

  /** At once, without waiting for whatever it is doing. */
  kill(reason = 'was ended'): void {
    this.#end(reason);
    void this.#shell.dispose('SIGKILL').catch(() => undefined);
  }

  #take(text: string): void {
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      this.#pieces.push(text.slice(start, end));
      const line = this.#pieces.join('');
      [this.#pieces, this.#length, start] = [[], 0, end + 1];
      if (!this.#hasEnded) this.#options.onLine(line);
    }
    this.#pieces.push(text.slice(start));
    this.#length += text.length - start;
    if (this.#length <= this.#options.maxLineLength) return;
    [this.#pieces, this.#length] = [[], 0];
    this.kill(`wrote a line of more than ${this.#options.maxLineLength} characters`);
  }

  #end(reason: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#options.onEnd(reason);
  }
}

/**
 * A folder that only administrators can write to. A qualified cmdlet name is a relative path too: PowerShell
 * would run `Hyper-V\Get-VM.ps1` of its working directory before it loads the module.
 */
function workingDirectoryFor(executable: string): string {
  return dirname(isAbsolute(executable) ? executable : process.execPath);
}

function withWords(reason: string, words: string): string {
  const text = words.replaceAll(/\s+/g, ' ').trim();
  return text === '' ? reason : `${reason}: ${text}`;
}

/**
 * node-powershell reports its end only to the one who ends it; unhandled, a failure would end our process as
 * an unhandled rejection.
 */
async function exitOf(shell: PowerShell): Promise<void> {
  const exit: unknown = Reflect.get(shell, 'exitPromise');
  await exit;
}
