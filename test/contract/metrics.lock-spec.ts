import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { Registry } from 'prom-client';
import { newSecret } from '../../src/common/crypto/tokens';
import { TestApp } from '../support/app';
import { committedOpenApi } from '../support/openapi';
import { groupingsOf, selectorsOf, type Selector } from '../support/promql';

const ROOT = join(__dirname, '../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

interface Rule {
  alert: string;
  expr: string;
  for: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}
interface Target {
  expr: string;
  legendFormat?: string;
}
interface Panel {
  id: number;
  title: string;
  type: string;
  targets?: Target[];
  gridPos: { x: number; y: number; w: number; h: number };
}
interface Dashboard {
  panels: Panel[];
  annotations: { list: Target[] };
  templating: { list: { query: string | { query: string } }[] };
}
interface Registered {
  name: string;
  type: string;
  labelNames: string[];
}

/** Put there by Prometheus, on everything. */
const OF_PROMETHEUS = ['job', 'instance'];

const rules = (parse(read('deploy/prometheus/alerts.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const dashboard = JSON.parse(read('deploy/grafana/gatehouse.json')) as Dashboard;
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const targets = panels.flatMap(({ title, targets }) =>
  targets!.map(({ expr, legendFormat = '' }) => ({ title, expr, legendFormat })),
);
const expressions: [string, string][] = [
  ...rules.map(({ alert, expr }): [string, string] => [alert, expr]),
  ...targets.map(({ title, expr }): [string, string] => [title, expr]),
  ...dashboard.annotations.list.map(({ expr }): [string, string] => ['annotation', expr]),
  ...dashboard.templating.list
    .map(({ query }) => (typeof query === 'string' ? query : query.query))
    .filter((query) => query.startsWith('label_values('))
    .map((query): [string, string] => ['variable', query.replace(/^label_values\((.+), \w+\)$/, '$1')]),
];

/** Headings of docs/operations.md, as links name them. */
const anchors = [...read('docs/operations.md').matchAll(/^#+ (.+)$/gm)].map(
  ([, heading]) =>
    `docs/operations.md#${heading!
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-')}`,
);

/** The rows of docs/metrics.md: name, type, and each label with the values it can have, none where they are open. */
const documented = [...read('docs/metrics.md').matchAll(/^\| `(\w+)` +\| (\w+) +\| ([^|]*?) *\|/gm)].map(
  ([, name, type, labels]) => ({
    name: name!,
    type: type!,
    labels: new Map(
      [...labels!.matchAll(/`(\w+)`(?:: ([\w, ]+))?/g)].map(([, label, values]): [string, string[]] => [
        label!,
        values?.split(', ') ?? [],
      ]),
    ),
  }),
);

describe('metrics', () => {
  let app: TestApp;
  let registered: Registered[];

  beforeAll(async () => {
    app = await TestApp.start({ env: { METRICS_TOKEN: newSecret() } });
    registered = app.nest.get(Registry).getMetricsAsArray() as unknown as Registered[];
  });
  afterAll(() => app.close());

  const own = () => registered.filter(({ name }) => name.startsWith('gatehouse_'));

  it('docs/metrics.md lists exactly those of the code: add a row for a new one', () => {
    expect(
      documented.map(({ name, type, labels }) => ({ name, type, labels: [...labels.keys()] })).sort(by),
    ).toEqual(
      own()
        .map(({ name, type, labelNames }) => ({ name, type, labels: labelNames }))
        .sort(by),
    );
  });

  it('are named by the conventions of Prometheus', () => {
    for (const { name, type } of own()) {
      expect(name).toMatch(/^[a-z]+(_[a-z]+)+$/);
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
      // Base units.
      expect(name).not.toMatch(/_(ms|milliseconds|minutes|kilobytes|percent)(_|$)/);
    }
  });

  it.each(expressions)('%s uses metrics and labels that there are', (_where, expression) => {
    const selectors = selectorsOf(expression);
    expect(selectors.length).toBeGreaterThan(0);
    for (const selector of selectors) expectThereIs(selector);
    const known = selectors.flatMap(({ name }) => labelsOf(name) ?? []);
    for (const label of groupingsOf(expression)) expect(known).toContain(label);
  });

  it.each(targets)('the legend of $title names labels that are left', ({ expr, legendFormat }) => {
    const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!);
    const [{ name } = { name: '' }] = selectorsOf(expr);
    const isAggregated = /\b(sum|max|min|count|avg)\b/.test(expr);
    const left = isAggregated ? groupingsOf(expr) : labelsOf(name)!;
    for (const label of named) expect(left).toContain(label);
  });

  it('are all on the dashboard', () => {
    const shown = new Set(targets.flatMap(({ expr }) => selectorsOf(expr).map(({ name }) => familyOf(name))));
    expect(
      own()
        .map(({ name }) => name)
        .filter((name) => !shown.has(name)),
    ).toEqual([]);
  });

  it('the panels of the dashboard have numbers of their own and do not cover each other', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...dashboard.panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24);
  });

  it.each(rules)('the alert $alert says how bad it is, for how long, and what to do', (rule) => {
    expect(rule.alert).toMatch(/^Gatehouse[A-Z]\w+$/);
    expect(rule.for).toMatch(/^\d+[mh]$/);
    expect(['critical', 'warning']).toContain(rule.labels.severity);
    const { summary, description, runbook } = rule.annotations;
    for (const text of [summary, description]) expect(text!.length).toBeGreaterThan(20);
    expect(anchors).toContain(runbook);
    // What a template names must have come through the expression.
    const named = [...`${summary} ${description}`.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label!);
    const isAggregated = /\b(sum|max|min|count)\b/.test(rule.expr);
    const left = isAggregated ? groupingsOf(rule.expr) : labelsOf(selectorsOf(rule.expr)[0]!.name)!;
    for (const label of named) expect(left).toContain(label);
  });

  /** Of the samples of this name; undefined where there are none. */
  function labelsOf(name: string): string[] | undefined {
    if (name === 'up') return OF_PROMETHEUS;
    const metric = registered.find((one) => one.name === familyOf(name));
    if (!metric) return undefined;
    // A histogram has no samples of its own name, and nothing else has those of others.
    if ((metric.type === 'histogram') === (metric.name === name)) return undefined;
    return [...metric.labelNames, ...(name.endsWith('_bucket') ? ['le'] : []), ...OF_PROMETHEUS];
  }

  function familyOf(name: string): string {
    return registered.some((one) => one.name === name) ? name : name.replace(/_(bucket|sum|count)$/, '');
  }

  function expectThereIs({ name, matchers }: Selector): void {
    const labels = labelsOf(name);
    expect([name, labels]).toEqual([name, expect.any(Array)]);
    for (const { label, value } of matchers) {
      expect([name, labels]).toEqual([name, expect.arrayContaining([label])]);
      const possible = documented.find((row) => row.name === familyOf(name))?.labels.get(label) ?? [];
      const alternatives = value.split('|');
      if (possible.length > 0) expect(possible).toEqual(expect.arrayContaining(alternatives));
      if (label === 'route') for (const route of alternatives) expectRoute(route);
    }
  }

  /** Of the API; the probes by a pattern. */
  function expectRoute(route: string): void {
    const paths = Object.keys(committedOpenApi().paths);
    expect([route, paths.some((path) => new RegExp(`^${route}$`).test(path))]).toEqual([route, true]);
  }
});

const by = (one: { name: string }, other: { name: string }) => one.name.localeCompare(other.name);
