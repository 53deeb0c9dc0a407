import { describe } from 'vitest';
import { buildInstallers } from '../support/wine/product.js';
import { reportWineSuite } from '../support/wine/suite.js';

describe('the installer under Wine', async () => {
  await buildInstallers(['1.0.0', '1.1.0']);
  await reportWineSuite('test/windows/inside/msi-suite.js');
});
