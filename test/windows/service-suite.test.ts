import { describe } from 'vitest';
import { stageProduct } from '../support/wine/product.js';
import { reportWineSuite } from '../support/wine/suite.js';

describe('the service in node.exe under Wine', async () => {
  await stageProduct();
  await reportWineSuite('test/windows/inside/service-suite.js');
});
