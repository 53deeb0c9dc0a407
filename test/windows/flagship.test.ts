import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'vitest';
import { consoleObstacle } from '../support/pwsh-host/console-program.js';
import { buildInstallers } from '../support/wine/product.js';
import { QemuWindows } from '../support/wine/qemu-windows.js';
import { reportWineSuite } from '../support/wine/suite.js';

/** The boot image. */
const imageDir = process.env['MOBYVM_TEST_IMAGE_DIR'];

const obstacle =
  imageDir === undefined || !existsSync(join(imageDir, 'mobyvm.iso'))
    ? 'MOBYVM_TEST_IMAGE_DIR names no boot image'
    : await consoleObstacle();
if (obstacle !== undefined || imageDir === undefined) {
  test.skip(`from the installer to a container, under Wine with QEMU: ${obstacle}`, () => undefined);
} else {
  describe('from the installer to a container, under Wine with QEMU', async () => {
    await using windows = await QemuWindows.create();
    await buildInstallers(['1.0.0', '1.1.0'], { name: 'windows-flagship', imageDir: resolve(imageDir) });
    await reportWineSuite('test/windows/inside/flagship.js', {
      namespace: windows.namespace,
      open: (drive) => windows.open(drive),
    });
  });
}
