import { describe } from 'vitest';
import { reportWineSuite } from '../support/wine/suite.js';

describe('the network in node.exe under Wine', async () => {
  await reportWineSuite('test/windows/inside/network.js');
});
