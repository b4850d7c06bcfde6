// Validates AsyncAPI documents with the official parser; prints what it finds and exits 1 on an error or a warning.
import { readFile } from 'node:fs/promises';
import { Parser } from '@asyncapi/parser';

const SEVERITIES = ['error', 'warning', 'info', 'hint'];
let refused = process.argv.length < 3;
if (refused) console.error('usage: node validate.mjs FILE...');

for (const file of process.argv.slice(2)) {
  const { document, diagnostics } = await new Parser().parse(await readFile(file, 'utf8'));
  for (const { severity, code, path, message } of diagnostics) {
    console.log(`${file}: ${SEVERITIES[severity]} ${code} at ${path.join('.')}: ${message}`);
  }
  const bad = document === undefined || diagnostics.some(({ severity }) => severity < 2);
  if (!bad) console.log(`${file}: valid, AsyncAPI ${document.version()}`);
  refused ||= bad;
}
process.exitCode = refused ? 1 : 0;
