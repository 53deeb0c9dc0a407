import { describe } from 'vitest';
import { reportWineSuite } from '../support/wine/suite.js';

describe('processes in node.exe under Wine', async () => {
  await reportWineSuite('test/windows/inside/processes.js');
});
