import { afterAll } from 'vitest';

// A warning printed by Node (a leaked listener, a deprecated call, an unclosed handle) is a defect, not noise.
const warnings: Error[] = [];
const remember = (warning: Error): void => void warnings.push(warning);
process.on('warning', remember);

const settle = setImmediate;

afterAll(async () => {
  // Node prints what a test without a pause has caused when nothing else is left to do.
  await new Promise((done) => settle(done));
  process.off('warning', remember);
  if (warnings.length > 0) throw new AggregateError(warnings, `Node printed ${warnings.length} warning(s)`);
});
