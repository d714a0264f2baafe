import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Record<string, string> };
  // Of any kind: the tests ask for what they need, and the schemas say whether it is there.
  // oxlint-disable-next-line typescript/no-explicit-any
  spec: any;
  data?: Record<string, string>;
  stringData?: Record<string, string>;
}

interface Kustomization {
  kind: 'Kustomization' | 'Component';
  resources?: string[];
  components?: string[];
  patches?: { path: string }[];
  images?: { name: string; newName?: string; newTag?: string }[];
  configMapGenerator?: { name: string; behavior?: 'merge'; literals: string[] }[];
}

/** Every document of a file. Throws where it is not YAML, or says something twice. */
export function readYaml<T = Manifest>(file: string): T[] {
  return parseAllDocuments(readFileSync(file, 'utf8')).map((document) => {
    const [mistake] = [...document.errors, ...document.warnings];
    if (mistake) throw new Error(`${file}: ${mistake.message}`);
    return document.toJS() as T;
  });
}

/** All files below a folder. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile());
}

/**
 * What `kubectl kustomize` makes of a folder, as far as ours go: resources, components, images, merged literals and patches.
 * Names get no hash, and no namespace is set. `used` collects the files it read.
 */
export function render(folder: string, used = new Set<string>()): Manifest[] {
  return apply(folder, [], used);
}

function apply(folder: string, inherited: Manifest[], used: Set<string>): Manifest[] {
  const kustomization = kustomizationOf(folder, used);
  let manifests = [
    ...inherited,
    ...(kustomization.resources ?? []).flatMap((path) => {
      const target = join(folder, path);
      if (statSync(target).isDirectory()) return apply(target, [], used);
      used.add(target);
      return readYaml(target);
    }),
  ];
  for (const path of kustomization.components ?? []) manifests = apply(join(folder, path), manifests, used);
  for (const generator of kustomization.configMapGenerator ?? []) manifests = generate(manifests, generator);
  for (const { path } of kustomization.patches ?? []) {
    used.add(join(folder, path));
    for (const patch of readYaml(join(folder, path))) manifests = patched(manifests, patch);
  }
  return renamed(manifests, kustomization.images ?? []);
}

function kustomizationOf(folder: string, used: Set<string>): Kustomization {
  const file = join(folder, 'kustomization.yaml');
  used.add(file);
  return readYaml<Kustomization>(file)[0]!;
}

function generate(
  manifests: Manifest[],
  { name, behavior, literals }: NonNullable<Kustomization['configMapGenerator']>[number],
): Manifest[] {
  const data = Object.fromEntries(literals.map((literal) => literal.split(/=(.*)/s, 2)));
  const existing = manifests.find((one) => one.kind === 'ConfigMap' && one.metadata.name === name);
  if ((behavior === 'merge') !== (existing !== undefined))
    throw new Error(`the ConfigMap ${name} cannot be made so`);
  if (existing)
    return manifests.map((one) => (one === existing ? { ...one, data: { ...one.data, ...data } } : one));
  return [...manifests, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data } as Manifest];
}

function patched(manifests: Manifest[], patch: Manifest): Manifest[] {
  const target = manifests.find(
    (one) => one.kind === patch.kind && one.metadata.name === patch.metadata.name,
  );
  if (!target) throw new Error(`there is no ${patch.kind} ${patch.metadata.name} to patch`);
  return manifests.map((one) => (one === target ? (merged(one, patch) as Manifest) : one));
}

/** The strategic merge of Kubernetes for what we patch: lists of named things are merged by name. */
function merged(base: unknown, patch: unknown): unknown {
  if (Array.isArray(base) && Array.isArray(patch)) {
    const nameOf = (one: unknown) => (one as { name?: string }).name;
    const added = patch.filter((one) => !base.some((other) => nameOf(other) === nameOf(one)));
    return [
      ...base.map((one) =>
        merged(
          one,
          patch.find((other) => nameOf(other) === nameOf(one)),
        ),
      ),
      ...added,
    ];
  }
  if (typeof base !== 'object' || typeof patch !== 'object' || !base || !patch) return patch ?? base;
  const entries = Object.entries(patch).map(([key, value]) => [
    key,
    merged((base as Record<string, unknown>)[key], value),
  ]);
  return { ...base, ...Object.fromEntries(entries) };
}

function renamed(manifests: Manifest[], images: NonNullable<Kustomization['images']>): Manifest[] {
  return manifests.map((manifest) => {
    const copy = structuredClone(manifest);
    for (const container of copy.spec?.template?.spec?.containers ?? []) {
      const [name, tag] = (container.image as string).split(':');
      const image = images.find((one) => one.name === name);
      if (image) container.image = `${image.newName ?? name}:${image.newTag ?? tag}`;
    }
    return copy;
  });
}
