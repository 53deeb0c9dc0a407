export { FakeDriver, type FakeDriverOptions, type FakeStep } from './fake-driver.js';
export { FAKE_BOOT_LINES, FakeWorld } from './fake-world.js';
