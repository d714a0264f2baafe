// Breaks everything around two replicas, one thing at a time, and checks that every promise is kept. See docs/drill.md.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { database } from './faults/database.mjs';
import mail from './faults/mail.mjs';
import redis from './faults/redis.mjs';
import replicas, { soak } from './faults/replicas.mjs';
import start from './faults/start.mjs';
import { measure } from './measure.mjs';
import { report, summary } from './report.mjs';
import { createWorld } from './world.mjs';

const { values: given } = parseArgs({
  options: {
    only: { type: 'string' },
    outage: { type: 'string', default: '30' },
    soak: { type: 'string', default: '60' },
    keep: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const PAGE = fileURLToPath(new URL('../docs/drill.md', import.meta.url));
const HEADING = '## Result\n';

const everything = [
  ...replicas,
  ...database(Number(given.outage)),
  ...mail,
  ...redis,
  ...start,
  soak(Number(given.soak)),
];
const names = given.only?.split(',');
const faults = everything.filter(({ id }) => !names || names.includes(id));
if (faults.length < (names?.length ?? 1)) {
  process.stderr.write(`--only takes some of ${everything.map(({ id }) => id).join(',')}\n`);
  process.exit(64);
}

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-drill-'));
process.on('SIGINT', () => process.exit(130)).on('SIGTERM', () => process.exit(143));
process.on('exit', () => {
  if (given.keep) process.stderr.write(`logs are in ${folder}\n`);
  else rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
});

const world = await createWorld(folder);
const rows = [];
try {
  for (const fault of faults) {
    process.stderr.write(`${new Date().toTimeString().slice(0, 8)} ${fault.name}\n`);
    const row = await measure(
      fault,
      world,
      rows.find(({ fault }) => fault.id === 'baseline'),
    );
    process.stderr.write(summary(row));
    rows.push(row);
  }
} finally {
  await world.stop();
}

const text = `${report(rows, ['npm run drill', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' '))}\n`;
process.stdout.write(text);
if (given.write) {
  const page = readFileSync(PAGE, 'utf8');
  const whole = `${page.slice(0, page.indexOf(HEADING) + HEADING.length)}\n${text}`;
  writeFileSync(PAGE, await format(whole, { ...(await resolveConfig(PAGE)), filepath: PAGE }));
}
process.exit(rows.some(({ missed }) => missed.length > 0) ? 1 : 0);
