import { describe } from 'vitest';
import { reportWineSuite } from '../support/wine/suite.js';

describe('named pipes in node.exe under Wine', async () => {
  await reportWineSuite('pipe-suite.js');
});
