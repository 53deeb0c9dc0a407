import { chmod, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Logger } from '../../src/core/host/index.js';
import { cmdlet, PowerShellError, PowerShellSession } from '../../src/powershell/index.js';
import { consoleProgram, HAS_LANGUAGE_SWITCH, LANGUAGE_MODES } from '../support/pwsh-host/console-program.js';

/** No cmdlet of Windows is there: what is called fails as a missing command, which is an answer as good as any. */
const MISSING = [cmdlet('Get-VMHost')] as const;
const signal = AbortSignal.timeout(300_000);
let executable: string;
let sessions: PowerShellSession[] = [];
let logged: string[] = [];

beforeAll(async () => {
  executable = await consoleProgram();
});
afterEach(async () => {
  await Promise.all(sessions.map((each) => each.close()));
  sessions = [];
  logged = [];
});

const log = (event: string, fields?: object): void => void logged.push(`${event} ${JSON.stringify(fields)}`);
const logger: Logger = { debug: log, info: log, warn: log, error: log };

function session(env: NodeJS.ProcessEnv = {}, program = executable): PowerShellSession {
  const made = new PowerShellSession({ executable: program, env: { ...process.env, ...env }, logger });
  sessions.push(made);
  return made;
}

describe.each(LANGUAGE_MODES)('a session in %s', (languageMode) => {
  const env = { PWSH_HOST_LANGUAGE_MODE: languageMode };

  it('reports its version and language mode', async () => {
    const { edition, version, languageMode: mode } = await session(env).identity({ signal });
    expect({ edition, mode }).toEqual({ edition: 'Core', mode: languageMode });
    expect(version).toMatch(/^7\./);
  });

  it('reports a failure with its id and category', async () => {
    const failing = session(env).run(MISSING, { signal });
    await expect(failing).rejects.toThrow(PowerShellError);
    await expect(failing).rejects.toMatchObject({
      errorId: 'CouldNotAutoLoadModule',
      ...{ category: 'ObjectNotFound', command: 'Get-VMHost' },
    });
  });

  it('answers many callers one after another', async () => {
    const one = session(env);
    const calls = Array.from({ length: 20 }, () => one.run(MISSING, { signal }));
    for (const outcome of await Promise.allSettled(calls))
      expect(outcome).toMatchObject({ status: 'rejected', reason: { errorId: 'CouldNotAutoLoadModule' } });
  });
});

describe('a session under stress', () => {
  it.each(['it starts', 'a call runs'])(
    'releases a caller that gives up while %s at once, and answers the next one with the same process',
    async (when) => {
      const one = session();
      if (when === 'a call runs') await one.identity({ signal });
      const controller = new AbortController();
      const call = one.run(MISSING, { signal: controller.signal });
      controller.abort(new Error('enough'));
      await expect(call).rejects.toThrow('enough');
      await expect(one.run(MISSING, { signal })).rejects.toThrow(PowerShellError);
      expect(logged.filter((line) => line.startsWith('powershell.started'))).toHaveLength(1);
    },
  );

  it('allows more time for the first call to a module', async () => {
    const one = session();
    await expect(one.run(MISSING, { signal, timeoutSeconds: 0 })).rejects.toThrow(PowerShellError);
  });

  it('reports a call that takes too long, and answers the next one with a new process', async () => {
    const one = session();
    await expect(one.run(MISSING, { signal })).rejects.toThrow(PowerShellError);
    const late = one.run(MISSING, { signal, timeoutSeconds: 0 });
    await expect(late).rejects.toMatchObject({ code: 'MOBYVM_POWERSHELL' });
    await expect(one.run(MISSING, { signal })).rejects.toThrow(PowerShellError);
  });

  it('runs the given program, whatever the environment says', async () => {
    process.env['NODE_POWERSHELL'] = '/nowhere/powershell.exe';
    try {
      expect(await session().identity({ signal })).toMatchObject({ edition: 'Core' });
    } finally {
      delete process.env['NODE_POWERSHELL'];
    }
  });

  it('of Windows PowerShell does not inherit the modules of PowerShell 7', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mvh-'));
    const windowsPowerShell = join(folder, 'powershell');
    try {
      await writeFile(
        windowsPowerShell,
        `#!/bin/sh\necho "$PSModulePath" >"$0.told"\nexec ${executable} "$@"\n`,
      );
      await chmod(windowsPowerShell, 0o700);
      await session({ PSModulePath: '/of/powershell/7' }, windowsPowerShell).identity({ signal });
      expect(await readFile(`${windowsPowerShell}.told`, 'utf8')).toBe('\n');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('runs in the folder of its program, where nobody can plant a script with the name of a cmdlet', async () => {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'mvh-')));
    const program = join(folder, 'console');
    try {
      await writeFile(program, `#!/bin/sh\npwd >"$0.told"\nexec ${executable} "$@"\n`);
      await chmod(program, 0o700);
      await session({}, program).identity({ signal });
      expect(await readFile(`${program}.told`, 'utf8')).toBe(`${folder}\n`);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('distinguishes a forbidden module from a missing one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mvh-'));
    try {
      await mkdir(join(folder, 'Hyper-V'));
      const refusal = "throw [System.Management.Automation.PSSecurityException]::new('untersagt')\n";
      await writeFile(join(folder, 'Hyper-V/Hyper-V.psm1'), refusal);
      const refused = session({ PSModulePath: folder }).run(MISSING, { signal });
      await expect(refused).rejects.toMatchObject({
        errorId: 'CouldNotAutoLoadModule',
        category: 'SecurityError',
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('that cannot be started reports what to try', async () => {
    await expect(session({}, '/nowhere/powershell.exe').run(MISSING, { signal })).rejects.toMatchObject({
      code: 'MOBYVM_POWERSHELL_START',
    });
    await expect(session({}, '/bin/true').run(MISSING, { signal })).rejects.toMatchObject({
      code: 'MOBYVM_POWERSHELL_START',
    });
  });

  it('does not send a call whose caller has already given up', async () => {
    const one = session();
    const controller = new AbortController();
    const call = one.run(MISSING, { signal: controller.signal });
    await delay(50);
    controller.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
    await one.identity({ signal });
    expect(logged.filter((line) => line.startsWith('powershell.call'))).toEqual([]);
  });

  it.skipIf(!HAS_LANGUAGE_SWITCH)('reports at once that a policy restricts its language', async () => {
    const one = session({ PWSH_HOST_LANGUAGE_MODE: 'RestrictedLanguage' });
    await expect(one.run(MISSING, { signal })).rejects.toMatchObject({
      code: 'MOBYVM_POWERSHELL_START',
      message: expect.stringContaining('RestrictedLanguage') as string,
    });
  });

  it('that is closed answers no more calls, and leaves no process', async () => {
    const one = session({ MOBYVM_TEST_MARK: 'closed' });
    await one.identity({ signal });
    await one.close();
    await expect(one.run(MISSING, { signal })).rejects.toMatchObject({ code: 'MOBYVM_ABORTED' });
    await delay(500);
    expect((await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')).trim()).toBe('');
  });
});
