import { describe, test } from 'vitest';
import { consoleObstacle } from '../support/pwsh-host/console-program.js';
import { stageProduct } from '../support/wine/product.js';
import { SimulatedWindows } from '../support/wine/simulated-windows.js';
import { reportWineSuite } from '../support/wine/suite.js';

const obstacle = await consoleObstacle();
if (obstacle !== undefined) {
  process.stdout.write(`NOT RUN  the life of a machine under Wine: ${obstacle}\n`);
  test.skip(`the life of a machine, in node.exe under Wine: ${obstacle}`, () => undefined);
} else {
  describe('the life of a machine, in node.exe under Wine', async () => {
    await using windows = await SimulatedWindows.create();
    await stageProduct();
    await reportWineSuite('test/windows/inside/whole-life.js', {
      namespace: windows.namespace,
      open: (drive) => windows.open(drive),
    });
  });
}
