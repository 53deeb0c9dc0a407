import { linuxPortFacts } from '../../src/daemon/linux/port-facts.js';
import { describePortFacts } from './port-facts.js';

describePortFacts('Linux', linuxPortFacts);
