import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { singleFile } from './scripts/single-file.ts';
import { devServer } from './dev/server.ts';

export default defineConfig({
  plugins: [svelte(), singleFile('../crates/nexus-ui/assets/index.html'), devServer()],
  build: {
    target: 'es2022',
    assetsInlineLimit: Number.MAX_SAFE_INTEGER,
    cssCodeSplit: false,
    modulePreload: false,
    reportCompressedSize: false,
  },
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
});
