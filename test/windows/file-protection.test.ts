import { describe } from 'vitest';
import { reportWineSuite } from '../support/wine/suite.js';

describe('access lists in node.exe under Wine', async () => {
  await reportWineSuite('test/windows/inside/file-protection.js');
});
