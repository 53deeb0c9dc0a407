import { dirname, isAbsolute } from 'node:path';
import { PowerShell } from 'node-powershell';
import { textOf } from '../core/values/index.js';

export interface ShellProcessOptions {
  /** Absolute path, or a name on PATH. */
  readonly executable: string;
  readonly env: NodeJS.ProcessEnv;
  readonly onLine: (line: string) => void;
  /** It has ended, or could not be started, or a line was too long; called once. The reason continues "PowerShell …". */
  readonly onEnd: (reason: string) => void;
  /** In characters. */
  readonly maxLineLength: number;
}

/** The program that it is told: node-powershell's own takes the variable NODE_POWERSHELL instead, which anybody may have set. */
class NamedPowerShell extends PowerShell {
  protected override setExecutable({ executable }: { executable?: string }): string {
    return executable ?? super.setExecutable({});
  }
}

/** Of what it wrote to standard error. */
const MAX_LAST_WORDS = 400;

/**
 * A PowerShell that reads commands, line by line, from its standard input. Of node-powershell it uses what starts and ends the
 * process, not its `invoke`: that calls methods of `[Console]`, which Constrained Language Mode refuses, waits for ever when a
 * line opens a block or a child takes the next lines, and remembers every command. When we are gone it reads the end of its input
 * and ends as well.
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
      spawnOptions: { env: options.env, windowsHide: true, cwd: placeFor(options.executable) },
    });
    const { stdin, stdout, stderr } = this.#shell.streams;
    // Its end tells why it could not be written to.
    stdin.on('error', () => undefined);
    stdout.on('data', (text: string) => this.#take(text));
    // What is meant for us is on stdout; here a host writes what it thinks of itself. It must be read, or it blocks, and
    // node-powershell reads no more than three pieces: ending its pipe later would stop the flow.
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

  /** At once: whatever it does, it is not waited for. */
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
 * A folder that only administrators write to. A cmdlet's name with its module is a relative path as well: PowerShell would run
 * `Hyper-V\Get-VM.ps1` of the folder in which it stands, before it loads the module.
 */
function placeFor(executable: string): string {
  return dirname(isAbsolute(executable) ? executable : process.execPath);
}

function withWords(reason: string, words: string): string {
  const text = words.replaceAll(/\s+/g, ' ').trim();
  return text === '' ? reason : `${reason}: ${text}`;
}

/** node-powershell shows its end only to who ends it; unheard, a failure would end our own process as an unhandled rejection. */
async function exitOf(shell: PowerShell): Promise<void> {
  const exit: unknown = Reflect.get(shell, 'exitPromise');
  await exit;
}
