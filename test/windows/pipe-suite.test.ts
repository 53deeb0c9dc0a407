import { describe } from 'vitest';
import { reportWineSuite } from '../support/wine/suite.js';

describe('named pipes in node.exe under Wine', async () => {
  await reportWineSuite('test/windows/inside/pipe-suite.js');
});
