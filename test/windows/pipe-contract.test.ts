import { describe } from 'vitest';
import { reportWineSuite } from '../support/wine/suite.js';

describe('in node.exe under Wine', async () => {
  await reportWineSuite('test/windows/inside/contract.js');
});
