export {
  createAuthority,
  ENGINE_SERVER_NAME,
  isLeafOf,
  issueLeaf,
  machineIdOf,
  type AuthorityRequest,
  type LeafRequest,
  type LeafRole,
} from './authority.js';
export { inspectCertifiedKey, type CertifiedKey, type InspectedKey, type Validity } from './certified-key.js';
