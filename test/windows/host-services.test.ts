import { describe } from 'vitest';
import { reportWineSuite } from '../support/wine/suite.js';

describe("the host's side in node.exe under Wine", async () => {
  await reportWineSuite('test/windows/inside/host-services.js');
});
