import { noSeal } from '../../src/core/host/index.js';
import { describeSecretSeal } from './secret-seal.js';

describeSecretSeal('Linux', noSeal, false);
