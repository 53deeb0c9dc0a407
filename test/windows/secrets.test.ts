import { describe } from 'vitest';
import { reportWineSuite } from '../support/wine/suite.js';

describe('secrets in node.exe under Wine', async () => {
  await reportWineSuite('test/windows/inside/secrets.js');
});
