// `node deploy/kubernetes/components/prometheus/generate-alerts.mjs`: the rules of deploy/prometheus for the Prometheus Operator.
import { readFileSync, writeFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';

const rules = parse(readFileSync(new URL('../../../prometheus/alerts.yml', import.meta.url), 'utf8'));
const manifest = {
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PrometheusRule',
  metadata: { name: 'gatehouse', labels: { 'app.kubernetes.io/name': 'gatehouse' } },
  spec: { groups: rules.groups },
};
const head = '# Made from deploy/prometheus/alerts.yml by generate-alerts.mjs: change it there.\n';
writeFileSync(
  new URL('alerts.yaml', import.meta.url),
  head + stringify(manifest, { lineWidth: 0, blockQuote: 'literal', singleQuote: true }),
);
