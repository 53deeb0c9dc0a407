import { defineConfig } from 'vitest/config';

/** One project per tier: `npx vitest run --project unit`. Tiers above `contract` need root; see docs/testing.md. */
export default defineConfig({
  test: {
    restoreMocks: true,
    unstubEnvs: true,
    setupFiles: ['test/support/known-environment.ts', 'test/support/fail-on-warning.ts'],
    projects: [
      tier('unit', ['test/unit/**/*.test.ts'], { testTimeout: 30_000 }),
      tier('contract', ['test/contract/**/*.test.ts'], { testTimeout: 30_000 }),
      tier('powershell', ['test/powershell/**/*.test.ts'], {
        testTimeout: 60_000,
        fileParallelism: false,
        globalSetup: ['test/support/pwsh-host/build-console.ts'],
        // A console that is killed would leave its debugger's sockets behind.
        env: { DOTNET_EnableDiagnostics: '0' },
      }),
      // Tests that run in node.exe under Wine; see test/support/wine.
      tier('windows', ['test/windows/*.test.ts'], { testTimeout: 300_000, fileParallelism: false }),
      tier('integration', ['test/integration/**/*.test.ts'], { testTimeout: 60_000, fileParallelism: false }),
      tier('vm', ['test/vm/**/*.test.ts'], {
        testTimeout: 600_000,
        hookTimeout: 600_000,
        fileParallelism: false,
        globalSetup: ['test/support/build-dist.ts'],
      }),
      // No tier: `npm run fuzz:engine`.
      tier('fuzz', ['test/fuzz/**/*.fuzz.ts'], { fileParallelism: false, reporters: ['verbose'] }),
      // No tier: hours of the same. `npm run soak`.
      tier('soak', ['test/soak/*.soak.ts'], {
        hookTimeout: 600_000,
        fileParallelism: false,
        globalSetup: ['test/support/build-dist.ts'],
        reporters: ['verbose'],
      }),
      // No tier: it measures. `npm run bench`.
      tier('bench', ['bench/**/*.measure.ts'], { fileParallelism: false, reporters: ['verbose'] }),
    ],
  },
});

function tier(name: string, include: string[], more: Record<string, unknown>) {
  return { extends: true as const, test: { name, include, ...more } };
}
