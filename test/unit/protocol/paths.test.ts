import { describe, expect, test } from 'vitest';
import { instancePaths, PATH_VARIABLES, windowsPaths } from '../../../src/protocol/paths.js';

const PIPE = '\\\\.\\pipe\\';

describe('the paths of an instance on Windows', () => {
  test('are below ProgramData, and its pipes have plain names', () => {
    const paths = windowsPaths({ ProgramData: 'D:\\Data' });
    expect(paths.stateDir).toBe('D:\\Data\\mobyvm\\state');
    expect(paths).toMatchObject({
      controlSocket: `${PIPE}mobyvm_control`,
      engineSocket: `${PIPE}mobyvm_engine`,
      usualEngineSocket: `${PIPE}docker_engine`,
      vmConsole: `${PIPE}mobyvm_console`,
    });
  });

  test('have pipes of their own with another run folder, whatever its spelling', () => {
    const engineOf = (runDir: string): string => windowsPaths({ MOBYVM_RUN_DIR: runDir }).engineSocket;
    expect(engineOf('C:\\two\\run')).toMatch(/^\\\\\.\\pipe\\mobyvm_engine_[0-9a-f]{12}$/);
    expect(engineOf('c:/TWO/run/')).toBe(engineOf('C:\\two\\run'));
    expect(engineOf('C:\\three\\run')).not.toBe(engineOf('C:\\two\\run'));
    expect(windowsPaths({ MOBYVM_RUN_DIR: 'C:\\two\\run' }).usualEngineSocket).toBeUndefined();
    expect(engineOf('c:\\programdata\\MOBYVM\\run')).toBe(`${PIPE}mobyvm_engine`);
  });

  test('may have their settings on a share, but neither state, run nor log folder', () => {
    const share = '\\\\server\\share\\mobyvm';
    expect(windowsPaths({ MOBYVM_SETTINGS: share }).settingsFile).toBe(share);
    for (const variable of ['MOBYVM_STATE_DIR', 'MOBYVM_RUN_DIR', 'MOBYVM_LOG_DIR'])
      expect(() => windowsPaths({ [variable]: share })).toThrow(/on a drive of this host/);
  });
});

describe('a variable that moves files', () => {
  const wrong = { linux: ['C:\\mobyvm'], windows: ['/srv/mobyvm', '\\mobyvm', 'C:mobyvm', 'C:\\a|b', 'a|b'] };

  test.each(Object.values(PATH_VARIABLES))(
    '%s is refused by name with a path of another platform',
    (name) => {
      for (const platform of ['linux', 'windows'] as const)
        for (const path of wrong[platform])
          expect(() => instancePaths(platform, { [name]: path })).toThrow(
            expect.objectContaining({
              code: 'MOBYVM_SETTINGS',
              message: expect.stringContaining(`${name} must`) as string,
            }) as Error,
          );
    },
  );

  test('may be relative, and counts as not set when it is empty', () => {
    expect(instancePaths('linux', { MOBYVM_STATE_DIR: 'state' }).stateDir).toBe(`${process.cwd()}/state`);
    expect(instancePaths('windows', { MOBYVM_STATE_DIR: 'state' }).stateDir).toMatch(/\\state$/);
    expect(instancePaths('linux', { MOBYVM_RUN_DIR: '' }).runDir).toBe('/run/mobyvm');
  });
});
