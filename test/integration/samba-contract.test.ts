import { describeFileServer } from '../contract/file-server.js';
import { sambaWorld } from '../support/share/samba-world.js';

describeFileServer('our Samba', sambaWorld);
