// The package against the built server: NEXUS_BINARY, or target/debug/nexus.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.e2e.ts'],
    environment: 'node',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A test that passes the second time has failed.
    retry: 0,
  },
});
