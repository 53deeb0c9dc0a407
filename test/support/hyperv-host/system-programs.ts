import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BOOT_ENTRY = ['Windows-Startladeprogramm', 'hypervisorlaunchtype    Auto'];
const EXCLUDED_PORTS = ['Startport    Endport', '----------    --------', '     50000       50059     *'];
const groups = (level: string): readonly string[] => [
  'VORDEFINIERT\\Administratoren                Alias         S-1-5-32-544',
  `Verbindliche Beschriftung\\Verbindlichkeit   Bezeichnung   ${level}`,
];

/**
 * The programs of Windows that doctor asks, in a folder of their own: they print what those of a German
 * Windows 11 print.
 */
export class SystemPrograms implements AsyncDisposable {
  private constructor(
    /** As the variable SystemRoot names it. */
    readonly folder: string,
  ) {}

  static async create({ isElevated = true } = {}): Promise<SystemPrograms> {
    const programs = new SystemPrograms(await mkdtemp(join(tmpdir(), 'mvh-system-')));
    await mkdir(join(programs.folder, 'System32'));
    await programs.write('whoami', groups(isElevated ? 'S-1-16-12288' : 'S-1-16-8192'));
    await programs.write('netsh', EXCLUDED_PORTS);
    // It tells nobody else, and says so where results are printed.
    if (isElevated) await programs.write('bcdedit', BOOT_ENTRY);
    else await programs.write('bcdedit', ['Zugriff verweigert'], 1);
    return programs;
  }

  readonly place = (name: string): string => join(this.folder, 'System32', `${name}.exe`);

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Puts a program there that prints these lines. */
  async write(name: string, lines: readonly string[], exitCode = 0): Promise<void> {
    const text = lines.map((line) => `${line}\r\n`).join('');
    await writeFile(this.place(name), `#!/bin/sh\ncat <<'END'\n${text}END\nexit ${exitCode}\n`, {
      mode: 0o755,
    });
  }
}
