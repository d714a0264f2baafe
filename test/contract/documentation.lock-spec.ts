import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { newSecret } from '../../src/common/crypto/tokens';
import { catalogue, entryOf, type ErrorKey } from '../../src/common/errors/catalogue';
import { Env, ENV_NAMES } from '../../src/config/env';
import { openApiDocument } from '../../src/docs/openapi';
import { committedOpenApi } from '../support/openapi';
import { TestApp } from '../support/app';

const ROOT = join(__dirname, '../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const unique = (names: Iterable<string>) => [...new Set(names)].sort();

describe('documentation', () => {
  it('docs/openapi.json is the code: run `npm run openapi` after a change', async () => {
    const app = await TestApp.start({ env: { METRICS_TOKEN: newSecret() } });
    const document: unknown = JSON.parse(JSON.stringify(openApiDocument(app.nest)));
    await app.close();
    expect(document).toEqual(committedOpenApi());
  });

  it('docs/errors.md lists the catalogue: code, status and title', () => {
    const rows = [...read('docs/errors.md').matchAll(/^\| `(\w+)` +\| (\d+) +\| (.+?) +\|/gm)].map((row) =>
      row.slice(1, 4).join(' '),
    );
    const entries = (Object.keys(catalogue) as ErrorKey[]).map(entryOf);
    expect(rows.sort()).toEqual(
      entries.map(({ code, status, title }) => `${code} ${status} ${title}`).sort(),
    );
  });

  it('every code that OpenAPI shows is in the catalogue', () => {
    const shown = [...JSON.stringify(committedOpenApi()).matchAll(/"code":"(\w+)"/g)].map(
      ([, code]) => code!,
    );
    const codes = new Set((Object.keys(catalogue) as ErrorKey[]).map((key) => entryOf(key).code as string));
    expect(shown.length).toBeGreaterThan(20);
    expect(shown.filter((code) => code !== 'invalid_email' && !codes.has(code))).toEqual([]);
  });

  it('.env.example and docs/configuration.md list the names of the Env schema', () => {
    const schema = unique(ENV_NAMES);
    expect(
      unique([...read('.env.example').matchAll(/^(?:# )?([A-Z][A-Z_]+)=/gm)].map(([, name]) => name!)),
    ).toEqual(schema);
    expect(
      unique([...read('docs/configuration.md').matchAll(/^\| `([A-Z_]+)`/gm)].map(([, name]) => name!)),
    ).toEqual(schema);
    // A field of the class without its name in the list would never be read.
    expect(Object.keys(new Env()).filter((name) => !schema.includes(name))).toEqual([]);
  });

  it('every flow has its page in docs/flows and its e2e file, of the same name', () => {
    const notFlows = new Set(['back-off', 'guards', 'strategies', 'tokens', 'passwords']);
    const flows = readdirSync(join(ROOT, 'src/auth'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !notFlows.has(entry.name))
      .map(({ name }) => name);
    expect(flows).toContain('registration');
    for (const flow of flows) {
      expect([flow, existsSync(join(ROOT, `docs/flows/${flow}.md`))]).toEqual([flow, true]);
      expect([flow, existsSync(join(ROOT, `test/e2e/${flow}.e2e-spec.ts`))]).toEqual([flow, true]);
    }
  });
});
