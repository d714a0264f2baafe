import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config';
import { parseMailbox } from './address';
import type { LetterName } from './letter-job';
import { templateOf } from './template';
import { greetingName, plain, webLink } from './text-safety';
import { parseWords, type Variables, type Words } from './words';

const FOLDER = join(__dirname, 'templates');
const DEFAULT_LANGUAGE = 'en';
/** Words of the frame itself, in each language's folder beside those of the letters. */
const FRAME = 'frame';

export interface RenderedLetter {
  subject: string;
  text: string;
  html: string;
}

/** Puts the words of a letter into the two frames, one for HTML and one for plain text. Reads its files once. */
@Injectable()
export class Renderer {
  private readonly words = readWords();
  private readonly html = readFrame('frame.html.hbs', false);
  private readonly text = readFrame('frame.text.hbs', true);
  private readonly brand: string;

  constructor({ brand, mail, http }: Config) {
    this.brand = brand.name ?? (parseMailbox(mail.from).name || new URL(http.publicUrl).hostname);
  }

  /** @throws Error where there is no such letter or a variable of it is missing */
  render(template: LetterName, language: string | undefined, variables: Variables): RenderedLetter {
    const known = language !== undefined && this.words.has(language) ? language : DEFAULT_LANGUAGE;
    const letter = this.words.get(known)?.get(template) ?? this.words.get(DEFAULT_LANGUAGE)?.get(template);
    const frame = this.words.get(known)?.get(FRAME);
    if (!letter || !frame) throw new Error('there are no words for this letter');
    if (variables.link === undefined && letter.blocks.some(({ kind }) => kind === 'button'))
      throw new Error('a button needs a link');
    const safe = { ...safely(variables), brand: plain(this.brand) };
    const head = Object.fromEntries(
      Object.entries({ ...frame.head, ...letter.head }).map(([name, words]) => [name, plain(words(safe))]),
    );
    const blocksIn = (medium: 'html' | 'text') =>
      letter.blocks.map((block) => ({ [block.kind]: true, words: block[medium](safe) }));
    const context = { ...safe, ...head, language: known };
    return {
      subject: head.subject ?? '',
      html: this.html({ ...context, blocks: blocksIn('html') }),
      text: this.text({ ...context, blocks: blocksIn('text') }).trim() + '\n',
    };
  }
}

function safely(variables: Variables): Variables {
  const safe = Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, plain(value)]));
  if (variables.name !== undefined) safe.name = greetingName(variables.name);
  if (variables.link !== undefined) safe.link = webLink(variables.link);
  return safe;
}

function readWords(): Map<string, Map<string, Words>> {
  const folders = readdirSync(FOLDER, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return new Map(folders.map(({ name }) => [name, readLanguage(name)]));
}

function readLanguage(language: string): Map<string, Words> {
  const files = readdirSync(join(FOLDER, language)).filter((file) => file.endsWith('.hbs'));
  const words = files.map((file) => {
    const source = readFileSync(join(FOLDER, language, file), 'utf8');
    return [file.slice(0, -'.hbs'.length), parseWords(source)] as const;
  });
  return new Map(words);
}

function readFrame(file: string, noEscape: boolean): (context: object) => string {
  return templateOf(readFileSync(join(FOLDER, file), 'utf8'), { noEscape });
}
