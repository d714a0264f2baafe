export interface Selector {
  name: string;
  matchers: { label: string; value: string }[];
}

const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
const KEYWORDS = new Set(['and', 'or', 'unless', 'offset', 'bool', 'inf', 'nan']);

/** The series that an expression of PromQL names. Enough of the language for our own rules and panels. */
export function selectorsOf(expression: string): Selector[] {
  const text = expression
    .replace(/\[[^\]]*\]/g, ' ')
    .replace(/\boffset\s+\w+/g, ' ')
    .replace(GROUPING, ' ');
  return [...text.matchAll(/(?<![\w.:$])([a-zA-Z_:][\w:]*)\s*(\{[^}]*\}|\()?/g)]
    .filter(([, name, rest]) => rest !== '(' && !KEYWORDS.has(name!))
    .map(([, name, rest = '']) => ({
      name: name!,
      matchers: [...rest.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"/g)].map(([, label, value]) => ({
        label: label!,
        value: value!,
      })),
    }));
}

/** The labels that it groups by. */
export function groupingsOf(expression: string): string[] {
  return [...expression.matchAll(GROUPING)].flatMap(([, labels]) =>
    labels!
      .split(',')
      .map((label) => label.trim())
      .filter((label) => label !== ''),
  );
}
