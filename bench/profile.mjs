import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const SHOWN = 25;
const RESTING = new Set(['(idle)', '(root)']);

/** Where the time of a server went since `fromMicros` of the monotonic clock: by package, then by function (self time). */
export function summarise(folder, fromMicros) {
  const file = readdirSync(folder).find((name) => name.endsWith('.cpuprofile'));
  const { nodes, samples, timeDeltas, startTime } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const byPackage = new Map();
  const byFunction = new Map();
  let at = startTime;
  let total = 0;
  samples.forEach((id, index) => {
    const spent = timeDeltas[index];
    at += spent;
    const frame = frames.get(id);
    if (at < fromMicros || RESTING.has(frame.functionName)) return;
    total += spent;
    add(byPackage, packageOf(frame), spent);
    add(byFunction, `${frame.functionName || '(anonymous)'}  ${placeOf(frame)}`, spent);
  });
  return `${shares(byPackage, total)}\n\n${shares(byFunction, total)}`;
}

function add(sums, key, amount) {
  sums.set(key, (sums.get(key) ?? 0) + amount);
}

function shares(sums, total) {
  const largest = [...sums].sort(([, a], [, b]) => b - a).slice(0, SHOWN);
  return largest
    .map(([key, spent]) => `${((spent * 100) / total).toFixed(1).padStart(6)} %  ${key}`)
    .join('\n');
}

function packageOf({ url, functionName }) {
  if (url === '') return functionName.startsWith('(') ? functionName : 'V8 and native';
  if (url.startsWith('node:')) return `node: ${url.split('/').slice(0, 2).join('/').slice(5)}`;
  return (
    /.*(?:node_modules\/((?:@[^/]+\/)?[^/]+)|\/packages\/(.*)\.js)/.exec(url)?.slice(1).join('') ??
    'gatehouse'
  );
}

const placeOf = ({ url, lineNumber }) =>
  url && `${url.replace(/^.*\/(node_modules|dist)\//, '')}:${lineNumber + 1}`;
