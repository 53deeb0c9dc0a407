import type { HostServices } from '../../../../src/daemon/host-services.js';
import { rightsOf } from '../../../../src/protocol/platform.js';

/** Stands in for what Wine lacks: its whoami.exe says nothing about elevation. Never part of the product. */
export const openServices: Pick<HostServices, 'rights'> = {
  rights: rightsOf('windows', () => Promise.resolve(true)),
};
