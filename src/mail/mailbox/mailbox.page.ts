import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import Handlebars from 'handlebars';
import type { ReceivedLetter } from './mailbox';

const read = (file: string) => readFileSync(join(__dirname, file), 'utf8');

/** The pages of the development mailbox; everything that came with a letter is escaped. */
@Injectable()
export class MailboxPage {
  readonly style = read('mailbox.css');
  private readonly template = Handlebars.compile(read('mailbox.hbs'), { knownHelpersOnly: true });

  list(letters: ReceivedLetter[]): string {
    return this.template({
      count: letters.length,
      letters: letters.map((letter, index) => ({
        ...letter,
        isOpen: index === 0,
        time: letter.receivedAt.toTimeString().slice(0, 8),
        receivedAt: letter.receivedAt.toISOString(),
      })),
    });
  }

  /** The letter as it came, for a frame; its links open outside. */
  letter({ html, text }: ReceivedLetter): string {
    if (html === undefined) return `<!doctype html><pre>${Handlebars.escapeExpression(text)}</pre>`;
    return html.replace(/<head>/i, '<head><base target="_blank">');
  }
}
