export { compactDataDisk } from './data-disk.js';
export { ENABLE_REMEDY, hypervError, isDenied, moduleRemedy, POLICY_REMEDY } from './hyperv-error.js';
export { hypervPreflight, hypervService, type ServiceFound } from './preflight.js';
export { HypervDriver } from './hyperv-driver.js';
export { INTEGRATION_SERVICES } from './hardware.plan.js';
export type { HypervDriverOptions } from './hyperv-setup.js';
