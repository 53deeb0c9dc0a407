import { randomUUID } from 'node:crypto';
import { createAuthority } from '../../../../src/proxy/engine/tls/authority.js';

const { certificate } = await createAuthority({ machineId: randomUUID(), nowMs: Date.now() });
process.stdout.write(certificate);
