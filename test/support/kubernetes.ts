import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import ts from 'typescript';
import type { Manifest } from './kustomize';

const ROOT = join(__dirname, '../..');

/**
 * What Kubernetes would refuse of manifests, by the schemas of its API: a sentence for each mistake. The types made from them
 * tell unknown fields, which the validators let pass; the validators tell wrong values, which types cannot.
 */
export function schemaMistakes(manifests: Manifest[]): string[] {
  return [...mistakesOfTypes(manifests), ...mistakesOfValues(manifests)];
}

const MODULES: Record<string, string> = { 'monitoring.coreos.com': '@kubernetes-models/prometheus-operator' };

function moduleOf({ apiVersion, kind }: Manifest): string {
  return `${MODULES[apiVersion.split('/')[0]!] ?? 'kubernetes-models'}/${apiVersion}/${kind}`;
}

function mistakesOfTypes(manifests: Manifest[]): string[] {
  const name = join(ROOT, 'test', 'manifests.generated.ts');
  const lines = manifests.map(
    (manifest, index) =>
      `const _${index}: import('${moduleOf(manifest)}').I${manifest.kind} = ${JSON.stringify(manifest)};`,
  );
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    target: ts.ScriptTarget.ESNext,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (file) => file === name || fileExists(file);
  host.getSourceFile = (file, ...rest) =>
    file === name
      ? ts.createSourceFile(file, lines.join('\n'), ts.ScriptTarget.ESNext)
      : getSourceFile(file, ...rest);
  const program = ts.createProgram([name], options, host);
  const file = program.getSourceFile(name)!;
  return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
    ({ start, messageText }) => {
      const { kind, metadata } = manifests[file.getLineAndCharacterOfPosition(start!).line]!;
      return `${kind} ${metadata.name}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    },
  );
}

/** In a process of its own: the packages are ES modules only, which Jest would have to transform one by one. */
function mistakesOfValues(manifests: Manifest[]): string[] {
  const program = `
    import { readFileSync } from 'node:fs';
    const mistakes = [];
    for (const { module, manifest } of JSON.parse(readFileSync(0, 'utf8'))) {
      const { [manifest.kind]: Model } = await import(module);
      try { new Model(manifest).validate(); }
      catch (error) { mistakes.push(manifest.kind + ' ' + manifest.metadata.name + ': ' + error.message); }
    }
    process.stdout.write(JSON.stringify(mistakes));`;
  const input = JSON.stringify(manifests.map((manifest) => ({ module: moduleOf(manifest), manifest })));
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: ROOT,
    input,
    encoding: 'utf8',
  });
  return JSON.parse(output) as string[];
}
