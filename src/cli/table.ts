export type Cell = string | number | boolean | null | undefined;

/** Rows under the names of their columns, aligned; a dash where there is nothing. */
export function table(columns: string[], rows: Cell[][]): string {
  const lines = [columns, ...rows.map((row) => row.map(textOf))];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => [...(line[at] ?? '')].length)));
  return lines
    .map((line) =>
      line
        .map((text, at) => text.padEnd(widths[at]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
    .concat('\n');
}

/** `name  value` lines of one thing. */
export function facts(entries: Record<string, Cell>): string {
  const width = Math.max(...Object.keys(entries).map((name) => name.length));
  return Object.entries(entries)
    .map(([name, value]) => `${name.padEnd(width)}  ${textOf(value)}`.trimEnd())
    .join('\n')
    .concat('\n');
}

export function dateOf(date: Date | null): string | null {
  return date && date.toISOString();
}

/** What a stranger has sent, such as a User-Agent, must not steer the operator's terminal. */
function textOf(cell: Cell): string {
  if (cell === null || cell === undefined || cell === '') return '-';
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no';
  return String(cell).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');
}
