import { describe } from 'vitest';
import { reportWineSuite } from '../support/wine/suite.js';

describe('the engine endpoint on a named pipe in node.exe under Wine', async () => {
  await reportWineSuite('test/windows/inside/endpoint-suite.js');
});
