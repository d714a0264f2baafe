import { templateOf } from './template';

export type Variables = Record<string, string>;

type Template = (variables: Variables) => string;

/** A piece of a letter, between two blank lines. */
interface Block {
  kind: 'heading' | 'paragraph' | 'note' | 'button';
  html: Template;
  text: Template;
}

/** What a person writes for one kind of letter in one language; `docs/flows/mail.md` shows the form. */
export interface Words {
  /** The lines `name: words` at the top, such as `subject` and `button`. */
  head: Record<string, Template>;
  blocks: Block[];
}

const MARKS = { '# ': 'heading', '> ': 'note' } as const;
const BUTTON = '[button]';

/**
 * Reads the words of a letter. The shape is taken from the file before any variable is filled in, so no name can add a
 * heading or a button.
 */
export function parseWords(source: string): Words {
  const [top = '', ...rest] = source
    .replaceAll('\r\n', '\n')
    .trim()
    .split(/\n{2,}/);
  const head = top.split('\n').map((line) => {
    const [, name, words] = /^(\w+): (.+)$/.exec(line) ?? [];
    if (!name || !words) throw new Error(`not a line of the form "name: words": ${line}`);
    return [name, compile(words, true)] as const;
  });
  return { head: Object.fromEntries(head), blocks: rest.map(parseBlock) };
}

function parseBlock(block: string): Block {
  const line = block.replaceAll('\n', ' ');
  const [mark, kind] = Object.entries(MARKS).find(([start]) => line.startsWith(start)) ?? [
    '',
    'paragraph' as const,
  ];
  const words = line.slice(mark.length);
  return {
    kind: line === BUTTON ? 'button' : kind,
    html: compile(asHtml(words), false),
    text: compile(words, true),
  };
}

/** Words are plain text; what looks like markup in them is meant to be read. */
function asHtml(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Strict: a variable that the composer forgot is an error, not a gap in somebody's letter. */
function compile(words: string, noEscape: boolean): Template {
  return templateOf(words, { noEscape, strict: true });
}
