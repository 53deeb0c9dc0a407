import { expect, test } from 'vitest';
import { oversized, refuseTooLarge } from '../../../src/daemon/settings/host-limits.plan.js';
import { settingsSchema } from '../../../src/daemon/settings/schema.js';

const HOST = { memoryMiB: 4096, processors: 2 };
const withVm = (vm: object) => settingsSchema.parse({ vm });

test('more memory than the host has is rejected with both figures', () => {
  expect(() => refuseTooLarge(withVm({ memoryMiB: 4098 }), HOST)).toThrow(/is 4098, .* has only 4096 MiB/);
  expect(() => refuseTooLarge(withVm({ memoryMiB: 4096 }), HOST)).not.toThrow();
});

test('more processors than the host has cause a notice', () => {
  expect(oversized(withVm({ cpus: 3 }), HOST)).toMatch(/vm\.cpus is 3, .* has 2/);
  expect(oversized(withVm({ cpus: 2 }), HOST)).toBeUndefined();
});
