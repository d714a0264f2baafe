/** Both ends included. */
export interface SequenceRange {
  first: number;
  last: number;
}

/** Sequences as PostgreSQL writes an int8multirange: `{[1,500),[502,600)}`, the end of each excluded. */
export function rangesOf(multirange: string): SequenceRange[] {
  return [...multirange.matchAll(/\[(\d+),(\d+)\)/g)].map(([, first, end]) => ({
    first: Number(first),
    last: Number(end) - 1,
  }));
}

export function multirangeOf(ranges: SequenceRange[]): string {
  return `{${ranges.map(({ first, last }) => `[${first},${last + 1})`).join(',')}}`;
}

/** Appends a sequence that is higher than all before. */
export function extend(ranges: SequenceRange[], sequence: number): void {
  const latest = ranges.at(-1);
  if (latest?.last === sequence - 1) latest.last = sequence;
  else ranges.push({ first: sequence, last: sequence });
}

/** What of a range is in none of the others, which are in order and apart. */
export function without({ first, last }: SequenceRange, others: SequenceRange[]): SequenceRange[] {
  const rest: SequenceRange[] = [];
  let next = first;
  for (const other of others) {
    if (other.last < next) continue;
    if (other.first > last) break;
    if (other.first > next) rest.push({ first: next, last: other.first - 1 });
    next = other.last + 1;
  }
  if (next <= last) rest.push({ first: next, last });
  return rest;
}
