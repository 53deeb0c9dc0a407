// check-integrity.mjs LOCK PACKAGE FILE: fails unless the file is the one that package-lock.json names.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const [lock, name, file] = process.argv.slice(2);
const { integrity } = JSON.parse(readFileSync(lock, 'utf8')).packages[`node_modules/${name}`];
const found = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
if (found !== integrity) throw new Error(`${file} has ${found}, expected ${integrity}`);
