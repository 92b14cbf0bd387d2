// Makes src/lib/api/schema.d.ts from the API's description: npm run types -- <url or file>.
// Without an argument it asks a server on the default address.
import { readFileSync, writeFileSync } from 'node:fs';
import { schemaTypes } from './schema-types.js';

const from = process.argv[2] ?? 'http://127.0.0.1:8000/openapi.json';
const text = from.startsWith('http') ? await (await fetch(from)).text() : readFileSync(from, 'utf8');
writeFileSync(new URL('../src/lib/api/schema.d.ts', import.meta.url), await schemaTypes(JSON.parse(text)));
