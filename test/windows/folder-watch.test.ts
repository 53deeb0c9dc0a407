import { describe } from 'vitest';
import { reportWineSuite } from '../support/wine/suite.js';

describe('watching folders in node.exe under Wine', async () => {
  await reportWineSuite('test/windows/inside/folder-watch.js');
});
