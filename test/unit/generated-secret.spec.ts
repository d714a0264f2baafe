import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnv } from '../../src/config/env';
import { generatedSecret } from '../../src/config/generated-secret';

describe('the generated secret', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-secret-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is made once, in a folder that may be missing, and kept', () => {
    const dataDir = join(folder, '.data');
    const secret = generatedSecret(dataDir);
    expect(generatedSecret(dataDir)).toBe(secret);
    expect(readFileSync(join(dataDir, 'jwt-secret'), 'utf8')).toBe(secret);
  });

  it('differs from one checkout to another, and is as strong as one of the operator must be', () => {
    const secrets = ['one', 'other'].map((name) => generatedSecret(join(folder, name)));
    expect(secrets[0]).not.toBe(secrets[1]);
    for (const secret of secrets) expect(readEnv({ JWT_SECRET: secret }).JWT_SECRET).toBe(secret);
  });

  it('can be read by its owner only, even where a copy of the checkout had opened it', () => {
    const file = join(folder, 'jwt-secret');
    const secret = generatedSecret(folder);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    chmodSync(file, 0o644);
    expect(generatedSecret(folder)).toBe(secret);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('is not replaced by something weaker where it cannot be written', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => generatedSecret(join(folder, 'file'))).toThrow('mkdir');
  });
});
