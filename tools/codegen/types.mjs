// Writes the generated part of web/client from schema/: types of the HTTP API and of the messages, the table of close
// codes and the log levels. `--check` changes nothing and exits 1 when a file is out of date.
import { readFile, writeFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';

const ROOT = new URL('../../', import.meta.url);
const HEAD = '// Generated from schema/ by `make schema`; do not edit.\n\n';
const read = async (path) => JSON.parse(await readFile(new URL(path, ROOT), 'utf8'));
const typesOf = async (document) => HEAD + astToString(await openapiTS(document, { defaultNonNullable: false }));

const http = await read('schema/openapi.json');
const messages = await read('schema/asyncapi.json');
const { schemas } = messages.components;
// OpenAPI lists the levels in the order of their definition, which is ascending.
const levels = JSON.stringify(http.components.schemas.Level.enum);
const codes = JSON.stringify(messages['x-close-codes'], null, 2);

const files = {
  'web/client/src/http.gen.ts': await typesOf(http),
  'web/client/src/messages.gen.ts': await typesOf({ openapi: '3.1.0', info: http.info, paths: {}, components: { schemas } }),
  'web/client/src/levels.gen.ts': `${HEAD}/** The log levels in ascending order. */\nexport const LEVELS = ${levels} as const;\n`,
  'web/client/src/closeCodes.gen.ts': `${HEAD}export const CLOSE_CODES = ${codes} as const;\n`,
};

const check = process.argv.includes('--check');
for (const [path, text] of Object.entries(files)) {
  const present = await readFile(new URL(path, ROOT), 'utf8').catch(() => '');
  if (present === text) continue;
  console.log(`${path}: ${check ? 'out of date; run `make schema`' : 'rewritten'}`);
  if (check) process.exitCode = 1;
  else await writeFile(new URL(path, ROOT), text);
}
