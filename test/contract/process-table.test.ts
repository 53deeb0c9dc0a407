import { linuxProcessTable } from '../../src/core/host/index.js';
import { describeProcessTable } from './process-table.js';

describeProcessTable('Linux, /proc', linuxProcessTable);
