// The API's description as TypeScript: what `npm run types` writes and a test compares.
import openapiTS, { astToString } from 'openapi-typescript';

const HEAD = '// Made by `npm run types` from /openapi.json; not written by hand.\n\n';

/** @param {object} description what `/openapi.json` answers */
export async function schemaTypes(description) {
  return HEAD + astToString(await openapiTS(description));
}
