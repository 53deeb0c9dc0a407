// Bundles mobyvm for Windows: starting hundreds of files takes seconds, and virus scanners look at each of them.
import { build } from 'esbuild';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

/** Threads are files of their own beside the program. */
const WORKERS = ['src/windows/pipe/completion-worker.ts', 'src/windows/service/dispatcher-worker.ts'];
export const PRODUCT_ENTRIES = ['src/main.ts', 'src/service.ts'];

/**
 * Writes the entries, their workers and what they share to `outdir`, as `main.js`, `service.js`, …
 * `koffi.node` for Windows has to be put beside them.
 * @param sourcemap whether each gets a `.map` beside it, to which it does not refer
 */
export async function bundleForWindows({ outdir, entries = PRODUCT_ENTRIES, sourcemap = false }) {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: [...entries, ...WORKERS].map((path) => ({
      in: path,
      out: path.replace(/^.*\//, '').replace(/\.ts$/, ''),
    })),
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    charset: 'utf8',
    legalComments: 'none',
    minifyWhitespace: true,
    minifySyntax: true,
    keepNames: true,
    chunkNames: 'part-[hash]',
    sourcemap: sourcemap && 'external',
    // CommonJS packages in the bundle call it.
    banner: {
      js: "import{createRequire as mobyvmRequire}from'node:module';const require=mobyvmRequire(import.meta.url);",
    },
    plugins: [versionAsText(version), koffiBeside()],
    logLevel: 'warning',
    metafile: true,
  });
  return { inputs: Object.keys(result.metafile.inputs), outputs: Object.keys(result.metafile.outputs) };
}

/** The program reads its version from package.json, two folders above the source. */
function versionAsText(version) {
  return {
    name: 'version',
    setup: (building) =>
      building.onLoad({ filter: /\/src\/protocol\/version\.ts$/ }, () => ({
        contents: `export const version = ${JSON.stringify(version)};`,
        loader: 'ts',
      })),
  };
}

/** koffi looks for its addon in node_modules. */
function koffiBeside() {
  const anchor = 'import { loadStatic } from "./src/static.js";';
  return {
    name: 'koffi',
    setup: (building) =>
      building.onLoad({ filter: /\/koffi\/src\/koffi\/index\.js$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        if (!source.includes(anchor)) throw new Error(`${path} loads its addon in another way than expected`);
        return {
          contents: source.replace(anchor, 'const loadStatic = () => require2("./koffi.node");'),
          loader: 'js',
        };
      }),
  };
}
