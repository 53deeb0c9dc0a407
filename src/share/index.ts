export { hostPaths, type HostPaths, type ReadBind } from './paths/host-paths.js';
export type { HostPath, PathRule } from './paths/host-path.plan.js';
