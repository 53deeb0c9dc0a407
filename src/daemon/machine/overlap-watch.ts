import { findOverlap, type HostNetworks, type Overlap } from '../../vm/index.js';
import type { Subnet } from '../../core/values/index.js';

/** Tells of a network that came later and overlaps ours once, and again only after it was gone. */
export class OverlapWatch {
  #told: string | undefined;

  /** What is new since the last look; undefined when nothing is. */
  look(subnet: Subnet, bridge: string, host: HostNetworks): Overlap | undefined {
    const overlap = findOverlap(subnet, bridge, host);
    const isNews = overlap !== undefined && overlap.by !== this.#told;
    this.#told = overlap?.by;
    return isNews ? overlap : undefined;
  }
}
