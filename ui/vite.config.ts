import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defaultClientConditions } from 'vite';
import { defineConfig } from 'vitest/config';
import { singleFile } from './scripts/single-file.ts';
import { devServer } from './dev/server.ts';

export default defineConfig({
  plugins: [svelte(), singleFile('../crates/nexus-ui/assets/index.html'), devServer()],
  // The stream's client is compiled with the page, from its sources.
  resolve: { conditions: ['nexus-source', ...defaultClientConditions] },
  build: {
    target: 'es2022',
    assetsInlineLimit: Number.MAX_SAFE_INTEGER,
    cssCodeSplit: false,
    modulePreload: false,
    reportCompressedSize: false,
  },
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
});
