import { defineConfig } from 'vitest/config';

/** Registers what the run makes, to remove it when the run is interrupted. */
const TEST_RUN = 'test/support/test-run.ts';

/** One project per tier: `npx vitest run --project unit`. Tiers above `contract` need root; see docs/testing.md. */
export default defineConfig({
  test: {
    // What is compiled once serves the next run: scripts/test begins one for each file of the tier vm.
    experimental: { fsModuleCache: true },
    // Many tests wait, so two files at a time even where two processors have other tiers to run.
    maxWorkers: 2,
    reporters: ['default', 'test/support/failure-list.ts'],
    // Closing includes waiting for what a run has started to end: test/support/test-run.ts.
    teardownTimeout: 300_000,
    restoreMocks: true,
    unstubEnvs: true,
    setupFiles: ['test/support/known-environment.ts', 'test/support/fail-on-warning.ts'],
    projects: [
      tier('unit', ['test/unit/**/*.test.ts'], { testTimeout: 30_000 }),
      tier('contract', ['test/contract/**/*.test.ts'], { testTimeout: 30_000 }),
      tier('powershell', ['test/powershell/**/*.test.ts'], {
        testTimeout: 180_000,
        fileParallelism: false,
        globalSetup: ['test/support/pwsh-host/build-console.ts'],
        // A console that is killed would leave its debugger's sockets behind.
        env: { DOTNET_EnableDiagnostics: '0' },
      }),
      // Tests that run in node.exe under Wine; see test/support/wine.
      tier('windows', ['test/windows/*.test.ts'], {
        testTimeout: 300_000,
        fileParallelism: false,
        globalSetup: [TEST_RUN],
      }),
      tier('integration', ['test/integration/**/*.test.ts'], {
        testTimeout: 180_000,
        globalSetup: [TEST_RUN],
      }),
      tier('vm', ['test/vm/**/*.test.ts'], {
        testTimeout: 600_000,
        fileParallelism: false,
        globalSetup: [TEST_RUN, 'test/support/build-dist.ts'],
      }),
      // No tier: `npm run fuzz:engine`.
      tier('fuzz', ['test/fuzz/**/*.fuzz.ts'], { fileParallelism: false, reporters: ['verbose'] }),
      // No tier: hours of the same. `npm run soak`.
      tier('soak', ['test/soak/*.soak.ts'], {
        hookTimeout: 600_000,
        fileParallelism: false,
        globalSetup: [TEST_RUN, 'test/support/build-dist.ts'],
        reporters: ['verbose'],
      }),
      // No tier: it measures. `npm run bench`.
      tier('bench', ['bench/**/*.measure.ts'], {
        fileParallelism: false,
        globalSetup: [TEST_RUN],
        reporters: ['verbose'],
      }),
    ],
  },
});

/** Limits are for what hangs: what takes a second on an idle machine may take a minute on a busy one. */
function tier(
  name: string,
  include: string[],
  { testTimeout = 60_000, ...more }: Record<string, unknown> & { readonly testTimeout?: number },
) {
  return {
    extends: true as const,
    test: { name, include, testTimeout, hookTimeout: testTimeout, ...more },
  };
}
