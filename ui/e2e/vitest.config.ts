// Tests of the whole: the built server and real Chromium. Each file has a server of its own.
//   npm run e2e            all of them; a word after it picks files
//   npm run measure        numbers, printed
//   npm run screenshots    the pictures in docs/img
import { defineConfig } from 'vitest/config';

export default defineConfig(({ mode }) => ({
  test: {
    root: import.meta.dirname,
    include: mode === 'test' ? ['*.e2e.ts'] : [`${mode}.ts`],
    environment: 'node',
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A test that passes the second time has failed.
    retry: 0,
    reporters: mode === 'test' ? ['verbose'] : ['default'],
  },
}));
