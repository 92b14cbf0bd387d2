// The types that the console is compiled against are those of the server that it talks to.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { schemaTypes } from '../scripts/schema-types.js';
import { Server } from './lib/server';

let server: Server;
beforeAll(async () => {
  server = await Server.start();
});
afterAll(() => server?.close());

test('types come from the API as it is', async () => {
  const description = await (await fetch(`${server.url}/openapi.json`)).json();
  const kept = readFileSync(new URL('../src/lib/api/schema.d.ts', import.meta.url), 'utf8');
  expect(await schemaTypes(description), 'run npm run types').toBe(kept);
});
