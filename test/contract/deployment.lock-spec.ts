import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ConfigurationError, ENV_NAMES, milliseconds, readEnv } from '../../src/config/env';
import { TEST_SECRET } from '../support/app';
import { schemaMistakes } from '../support/kubernetes';
import { filesIn, readYaml, render, type Manifest } from '../support/kustomize';
import { committedOpenApi } from '../support/openapi';

const ROOT = join(__dirname, '../..');
const KUBERNETES = join(ROOT, 'deploy/kubernetes');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const { version, scripts } = JSON.parse(read('package.json')) as {
  version: string;
  scripts: Record<string, string>;
};
/** As `npm start` starts it, so the image and the manifests do. */
const START = scripts.start!.split(' ').slice(1);

/** The pool, LISTEN and a migration at the start: src/cli/doctor counts them too. */
const CONNECTIONS_OF_A_REPLICA = 14;
/** What PostgreSQL allows by default, but for its superusers. */
const CONNECTIONS = 97;
/** From the end of SHUTDOWN_DELAY on: src/main.ts. */
const CLOSE_SECONDS = 10;
const KNOWN_NAMES: string[] = [...ENV_NAMES];

const isYaml = (file: string) => /\.ya?ml$/.test(file);
const secrets = readYaml(join(KUBERNETES, 'secrets.example.yaml'));
const placeholders = (name: string) =>
  secrets.find((one) => one.kind === 'Secret' && one.metadata.name === name)?.stringData ?? {};

/** What production takes, for each setting that comes from a Secret. */
const GOOD_SECRETS: Record<string, string> = {
  DATABASE_URL: 'postgres://gatehouse_app:x@db.example.org/gatehouse',
  DATABASE_DIRECT_URL: 'postgres://gatehouse_app:x@direct.example.org/gatehouse',
  JWT_SECRET: TEST_SECRET,
  SMTP_URL: 'smtps://mail.example.org',
  REDIS_URL: 'redis://redis.example.org',
  PASSWORD_PEPPER: [...TEST_SECRET].toReversed().join(''),
};

interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef?: { name: string; key: string; optional?: boolean } };
}

describe('deploy/', () => {
  it('is YAML throughout, without anything said twice', () => {
    const files = filesIn(join(ROOT, 'deploy')).filter(isYaml);
    expect(files.length).toBeGreaterThan(15);
    for (const file of files) expect(readYaml(file).length).toBeGreaterThan(0);
  });

  it('holds no manifest that no overlay uses, but for the example of the Secrets', () => {
    const used = new Set<string>();
    for (const overlay of ['production', 'neon']) render(join(KUBERNETES, 'overlays', overlay), used);
    const unused = filesIn(KUBERNETES).filter((file) => isYaml(file) && !used.has(file));
    expect(unused.map((file) => relative(KUBERNETES, file))).toEqual(['secrets.example.yaml']);
  });

  it('the example of the Secrets fits the schemas, and production refuses every value in it', () => {
    expect(schemaMistakes(secrets)).toEqual([]);
    const good = { NODE_ENV: 'production', PUBLIC_URL: 'https://a.example.org', MAIL_FROM: 'a@example.org' };
    expect(() => readEnv({ ...good, ...GOOD_SECRETS })).not.toThrow();
    for (const { stringData } of secrets)
      for (const [name, value] of Object.entries(stringData!))
        expect(mistakesOf({ ...good, ...GOOD_SECRETS, [name]: value })).toMatch(
          new RegExp(`^  - ${name} must`, 'm'),
        );
  });

  it('the rules for the Prometheus Operator are those of deploy/prometheus: run generate-alerts.mjs', () => {
    const [rule] = readYaml(join(KUBERNETES, 'components/prometheus/alerts.yaml'));
    const [rules] = readYaml<{ groups: unknown }>(join(ROOT, 'deploy/prometheus/alerts.yml'));
    expect(rule!.spec.groups).toEqual(rules!.groups);
  });
});

describe.each(['production', 'neon'])('deploy/kubernetes/overlays/%s', (overlay) => {
  const manifests = render(join(KUBERNETES, 'overlays', overlay));
  const all = (kind: string) => manifests.filter((one) => one.kind === kind);
  const one = (kind: string, name = 'gatehouse') => {
    const found = all(kind).filter(({ metadata }) => metadata.name === name);
    expect([kind, name, found.length]).toEqual([kind, name, 1]);
    return found[0]!;
  };
  const deployment = one('Deployment');
  const job = one('Job', 'gatehouse-migration');
  const workloads = [deployment, job];
  const podOf = (workload: Manifest) => workload.spec.template.spec;
  const containerOf = (workload: Manifest) => podOf(workload).containers[0];
  const server = containerOf(deployment);
  const settings = one('ConfigMap').data!;

  it('fits the schemas of Kubernetes', () => {
    expect(schemaMistakes(manifests)).toEqual([]);
    const kinds =
      'ConfigMap Deployment HorizontalPodAutoscaler Ingress Job Namespace NetworkPolicy PodDisruptionBudget PrometheusRule Service ServiceAccount ServiceMonitor';
    expect([...new Set(manifests.map(({ kind }) => kind))].sort().join(' ')).toBe(kinds);
  });

  it('runs in production', () => {
    expect(settings.NODE_ENV).toBe('production');
  });

  it('gives names once', () => {
    const names = manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(names).toEqual([...new Set(names)]);
  });

  it('selects the pods it means, and no others', () => {
    const selectedBy = (labels: Record<string, string>) =>
      workloads.filter(({ spec }) => matches(labels, spec.template.metadata.labels)).map(({ kind }) => kind);
    const server = ['Deployment'];
    expect(selectedBy(deployment.spec.selector.matchLabels)).toEqual(server);
    expect(selectedBy(one('Service').spec.selector)).toEqual(server);
    expect(selectedBy(one('PodDisruptionBudget').spec.selector.matchLabels)).toEqual(server);
    expect(selectedBy(one('NetworkPolicy').spec.podSelector.matchLabels)).toEqual(server);
    const ofMigration = one('NetworkPolicy', 'gatehouse-migration').spec.podSelector.matchLabels;
    expect(selectedBy(ofMigration)).toEqual(['Job']);
    for (const { labelSelector } of podOf(deployment).topologySpreadConstraints)
      expect(selectedBy(labelSelector.matchLabels)).toEqual(server);
    const monitored = one('ServiceMonitor').spec.selector.matchLabels;
    expect(all('Service').filter(({ metadata }) => matches(monitored, metadata.labels!))).toHaveLength(1);
    const { kind, name, apiVersion } = one('HorizontalPodAutoscaler').spec.scaleTargetRef;
    expect([kind, name, apiVersion]).toEqual(['Deployment', deployment.metadata.name, deployment.apiVersion]);
    for (const workload of workloads) one('ServiceAccount', podOf(workload).serviceAccountName);
  });

  it('names ports that there are, and the ports are those that the service listens on', () => {
    const ports = Object.fromEntries(
      server.ports.map((port: { name: string; containerPort: number }) => [port.name, port.containerPort]),
    );
    expect(ports).toEqual({ http: Number(settings.PORT), metrics: Number(settings.METRICS_PORT) });
    const service = one('Service').spec.ports as { name: string; targetPort: string }[];
    for (const { name, targetPort } of service)
      expect([name, ports[targetPort]]).toEqual([name, ports[name]]);
    const named = service.map(({ name }) => name);
    for (const { port } of one('ServiceMonitor').spec.endpoints) expect(named).toContain(port);
    for (const { http } of one('Ingress').spec.rules)
      for (const { backend } of http.paths) {
        expect(backend.service.name).toBe(one('Service').metadata.name);
        expect(named).toContain(backend.service.port.name);
      }
    const letIn = one('NetworkPolicy').spec.ingress.flatMap((rule: { ports: { port: string }[] }) =>
      rule.ports.map(({ port }) => port),
    );
    expect(letIn.sort()).toEqual(Object.keys(ports).sort());
  });

  it('probes what the API has', () => {
    const paths = committedOpenApi().paths;
    const expected = { startupProbe: 'live', livenessProbe: 'live', readinessProbe: 'ready' };
    for (const [probe, path] of Object.entries(expected)) {
      expect([probe, server[probe]?.httpGet]).toEqual([probe, { path: `/health/${path}`, port: 'http' }]);
      expect(paths[server[probe].httpGet.path]).toHaveProperty('get');
    }
  });

  it.each(workloads.map((workload): [string, Manifest] => [workload.kind, workload]))(
    'the %s has every setting that production needs, from where there is one, and none that nobody reads',
    (_kind, workload) => {
      const { env, envFrom } = containerOf(workload) as { env: EnvVar[]; envFrom: unknown };
      expect(envFrom).toEqual([{ configMapRef: { name: one('ConfigMap').metadata.name } }]);
      const names = [...Object.keys(settings), ...env.map(({ name }) => name)];
      expect(names).toEqual([...new Set(names)]);
      for (const name of names) expect(KNOWN_NAMES).toContain(name);
      for (const { name, valueFrom } of env) {
        const { name: secret, key } = valueFrom!.secretKeyRef!;
        expect([name, key, Object.keys(placeholders(secret))]).toEqual([
          name,
          name,
          expect.arrayContaining([key]),
        ]);
      }
      const required = env.filter(({ valueFrom }) => !valueFrom!.secretKeyRef!.optional);
      const given = Object.fromEntries(required.map(({ name }) => [name, GOOD_SECRETS[name]]));
      expect(mistakesOf({ ...settings, ...given })).toBe('');
    },
  );

  it('keeps the credentials of the owner from the servers', () => {
    const secretsOf = (workload: Manifest) =>
      (containerOf(workload).env as EnvVar[])
        .filter(({ name }) => name.startsWith('DATABASE_'))
        .map(({ valueFrom }) => valueFrom!.secretKeyRef!.name);
    expect(new Set(secretsOf(deployment))).toEqual(new Set(['gatehouse']));
    expect(secretsOf(job)).toEqual(['gatehouse-owner']);
    const direct = (server.env as EnvVar[]).some(({ name }) => name === 'DATABASE_DIRECT_URL');
    expect(direct).toBe(overlay === 'neon');
  });

  it('runs one image of this version, and programs that are in it', () => {
    const inBase = render(join(KUBERNETES, 'base')).flatMap(
      ({ spec }) => spec?.template?.spec?.containers ?? [],
    );
    expect(inBase.map(({ image }) => image)).toEqual(Array(2).fill(`gatehouse:${version}`));
    const images = workloads.map((workload) => containerOf(workload).image);
    expect(images).toEqual(Array(2).fill(`registry.example.org/gatehouse:${version}`));
    expect(server.args).toEqual(START);
    expect(read('docs/deployment.md')).toContain(`node ${START.join(' ')}`);
    expect(containerOf(job).args).toEqual(['dist/src/cli.js', 'db', 'migrate']);
    for (const args of [server.args, containerOf(job).args]) {
      const program = args.find((arg: string) => arg.endsWith('.js'));
      expect(existsSync(join(ROOT, program))).toBe(true);
    }
  });

  it('may do nothing that it need not', () => {
    for (const workload of workloads) {
      const { securityContext, automountServiceAccountToken, containers } = podOf(workload);
      expect(containers).toHaveLength(1);
      expect([automountServiceAccountToken, securityContext]).toEqual([
        false,
        {
          runAsNonRoot: true,
          runAsUser: 65532,
          runAsGroup: 65532,
          seccompProfile: { type: 'RuntimeDefault' },
        },
      ]);
      expect(containers[0].securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(containers[0].resources.limits.memory).toBeDefined();
    }
    for (const { spec } of all('NetworkPolicy')) expect(spec.policyTypes).toEqual(['Ingress', 'Egress']);
  });

  it('leaves time to drain, replaces none before another serves, and fits the connections of PostgreSQL', () => {
    const delay = milliseconds(settings.SHUTDOWN_DELAY!) / 1_000;
    expect(podOf(deployment).terminationGracePeriodSeconds).toBeGreaterThanOrEqual(delay + CLOSE_SECONDS + 5);
    const { maxUnavailable, maxSurge } = deployment.spec.strategy.rollingUpdate;
    expect([maxUnavailable, maxSurge]).toEqual([0, 1]);
    const { minReplicas, maxReplicas } = one('HorizontalPodAutoscaler').spec;
    expect(minReplicas).toBeGreaterThanOrEqual(2);
    expect((maxReplicas + maxSurge) * CONNECTIONS_OF_A_REPLICA).toBeLessThanOrEqual(CONNECTIONS);
  });

  it('is reached by TLS at the address that letters name', () => {
    const { host } = new URL(settings.PUBLIC_URL!);
    const { tls, rules } = one('Ingress').spec;
    expect([tls[0].hosts, rules.map((rule: { host: string }) => rule.host)]).toEqual([[host], [host]]);
  });
});

describe('the schemas', () => {
  const [deployment] = readYaml(join(KUBERNETES, 'base/deployment.yaml'));
  const broken = (name: string, change: (container: Record<string, unknown>) => void): Manifest => {
    const copy = structuredClone(deployment!);
    copy.metadata.name = name;
    change(copy.spec.template.spec.containers[0]);
    return copy;
  };

  it('know a field that does not exist, one that is missing, and a wrong value', () => {
    const mistakes = schemaMistakes([
      broken('unknown', (container) => (container.readinesProbe = {})),
      broken('missing', (container) => delete container.name),
      broken('wrong', (container) => (container.ports = [{ containerPort: 1e12 }])),
    ]);
    expect(mistakes).toContainEqual(expect.stringMatching(/^Deployment unknown: .*readinesProbe/));
    expect(mistakes).toContainEqual(expect.stringMatching(/^Deployment missing: .*name/));
    expect(mistakes).toContainEqual(expect.stringMatching(/^Deployment wrong: .*int32/));
  });
});

describe('Dockerfile', () => {
  const dockerfile = read('Dockerfile');
  const [, stage] = dockerfile.split(/^FROM (?!.* AS build)/m);

  it('runs what the manifests run, as the same user', () => {
    const [deployment] = readYaml(join(KUBERNETES, 'base/deployment.yaml'));
    const { args } = deployment!.spec.template.spec.containers[0] as { args: string[] };
    expect(stage).toContain(`\nCMD ${JSON.stringify(args)}\n`);
    expect(stage).toMatch(/^gcr\.io\/distroless\/nodejs24-debian12:nonroot\n/);
    expect(stage).toContain('\nWORKDIR /app\n');
    expect(stage).not.toMatch(/^(RUN|USER) /m);
  });

  it('asks the liveness probe of the API', () => {
    const [, path] = /127\.0\.0\.1:\$\{[^}]+\}(\/[\w/]+)/.exec(stage!)!;
    expect(committedOpenApi().paths[path!]).toHaveProperty('get');
  });

  it('copies what there is', () => {
    const ignored = read('.dockerignore').trim().split('\n');
    for (const needed of [
      'src',
      'migrations',
      'web',
      'client',
      'deploy',
      'package-lock.json',
      'nest-cli.json',
      '.swcrc',
      'bundle.mjs',
    ])
      expect(ignored).not.toContain(needed);
    for (const kept of ['.git', '.env', '.data', 'node_modules', 'test']) expect(ignored).toContain(kept);
    expect(existsSync(join(ROOT, 'deploy/docker/prune.sh'))).toBe(true);
  });
});

describe('docker-compose.yml', () => {
  interface Service {
    environment?: Record<string, string>;
    depends_on?: Record<string, { condition: string }>;
    healthcheck?: unknown;
    ports?: string[];
    volumes?: string[];
  }
  const [compose] = readYaml<{ services: Record<string, Service>; volumes: Record<string, unknown> }>(
    join(ROOT, 'docker-compose.yml'),
  );
  const { services, volumes } = compose!;
  const environment = services.app!.environment!;

  it('gives settings that the service reads and takes', () => {
    for (const name of Object.keys(environment)) expect(KNOWN_NAMES).toContain(name);
    expect(environment.JWT_SECRET).toMatch(/^\$\{JWT_SECRET:\?.+\}$/);
    expect(mistakesOf({ ...environment, JWT_SECRET: TEST_SECRET })).toBe('');
  });

  it('points at services that there are, and waits for those it needs', () => {
    const hosts = ['DATABASE_URL', 'REDIS_URL', 'SMTP_URL'].map(
      (name) => new URL(environment[name]!).hostname,
    );
    for (const host of hosts) expect(Object.keys(services)).toContain(host);
    expect(Object.keys(services.app!.depends_on!).sort()).toEqual([...hosts].sort());
    for (const [name, { condition }] of Object.entries(services.app!.depends_on!))
      if (condition === 'service_healthy') expect(services[name]!.healthcheck).toBeDefined();
    for (const { volumes: mounts = [] } of Object.values(services))
      for (const mount of mounts) expect(Object.keys(volumes)).toContain(mount.split(':')[0]);
  });

  it('listens on this machine alone, for its passwords are known', () => {
    for (const { ports = [] } of Object.values(services))
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });
});

describe('docs/deployment.md', () => {
  it('names settings that the service reads, and files that there are', () => {
    const text = read('docs/deployment.md');
    const settings = [...text.matchAll(/(?:^Environment=|`)([A-Z]+(?:_[A-Z]+)+)(?=[=`])/gm)].map(
      ([, name]) => name,
    );
    expect(settings.length).toBeGreaterThan(5);
    for (const name of settings) expect(KNOWN_NAMES).toContain(name);
    const files = [...text.matchAll(/\]\(\.\.\/([\w./-]+)\)/g)].map(([, file]) => file!);
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) expect([file, existsSync(join(ROOT, file))]).toEqual([file, true]);
  });
});

function matches(selector: Record<string, string>, labels: Record<string, string>): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

/** Why the service would not start with these settings; empty where it would. */
function mistakesOf(settings: Record<string, string | undefined>): string {
  try {
    readEnv(settings);
    return '';
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
}
