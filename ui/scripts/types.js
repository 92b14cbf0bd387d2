// Makes src/lib/api/schema.d.ts from the API's description: npm run types -- <url or file>.
// Without an argument it asks a server on the default address.
import { writeFileSync, readFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const from = process.argv[2] ?? 'http://127.0.0.1:8000/openapi.json';
const text = from.startsWith('http') ? await (await fetch(from)).text() : readFileSync(from, 'utf8');
const head = '// Made by `npm run types` from /openapi.json; not written by hand.\n\n';
writeFileSync(
  new URL('../src/lib/api/schema.d.ts', import.meta.url),
  head + astToString(await openapiTS(JSON.parse(text))),
);
