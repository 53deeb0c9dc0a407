import { expect, test } from 'vitest';
import { serviceCallError } from '../../../src/windows/service/service-errors.js';
import { WindowsCallError } from '../../../src/windows/windows-call-error.js';

test('without elevation the remedy is an elevated prompt', () => {
  expect(serviceCallError('installed', new WindowsCallError('OpenSCManagerW', 5))).toMatchObject({
    code: 'MOBYVM_NOT_ROOT',
    message: 'The service could not be installed: access denied.',
    remedy: expect.stringContaining('Run as administrator') as string,
  });
});

test.each([
  [1058, /disabled/],
  [1072, /being deleted/],
  [1053, /event logs/],
])('error %i of a service has a remedy', (code, remedy) => {
  const error = serviceCallError('accessed', new WindowsCallError('StartServiceW', code));
  expect(error).toMatchObject({ code: 'MOBYVM_SERVICE', details: { windowsCode: code } });
  expect(error.remedy).toMatch(remedy);
});
