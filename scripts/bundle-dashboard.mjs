// Bundles the dashboard into the folder that is named; part of `npm run build`.
import { bundleDashboard } from './lib/bundle-dashboard.mjs';

const [, , outdir] = process.argv;
await bundleDashboard(outdir);
