import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';

/** The first column to the left, figures to the right; aligned for a terminal too. */
export function markdown(head, rows) {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => row[column].length)));
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const pad = (row) =>
    line(row.map((cell, at) => (at ? cell.padStart(widths[at]) : cell.padEnd(widths[at]))));
  const rule = line(widths.map((width, at) => (at ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))));
  return [pad(head), rule, ...rows.map(pad)].join('\n');
}

/** Writes a file of this folder as the formatter of the project would have it. */
export async function keep(name, text) {
  const filepath = fileURLToPath(new URL(name, import.meta.url));
  writeFileSync(filepath, await format(text, { ...(await resolveConfig(filepath)), filepath }));
}
