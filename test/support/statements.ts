import { Client } from 'pg';

export interface Statement {
  text: string;
  /** Of the first time that it was sent. */
  values: unknown[];
}

interface Query {
  text: string;
  values?: unknown[];
}

/** What the driver is given: a text, a query, or several that travel together. */
type Sent = string | Query | { statements: readonly Query[] };

/** Listens to what this process sends to PostgreSQL, whoever sends it and on whatever connection. */
export class Statements {
  private readonly byText = new Map<string, Statement>();
  private readonly spy = jest.spyOn(Client.prototype, 'query');

  /** Each text once, of those that PostgreSQL plans: it has no plan for COMMIT. Ends the listening. */
  take(): Statement[] {
    for (const [sent, values] of this.spy.mock.calls as unknown as [Sent, unknown][])
      for (const query of queriesOf(sent)) this.note(query.text, query.values ?? values);
    this.spy.mockRestore();
    return [...this.byText.values()];
  }

  private note(text: string, given: unknown): void {
    const values = Array.isArray(given) ? given : [];
    // What carries values is one statement; without any there may be several in one text.
    for (const one of values.length > 0 ? [text] : text.split(';'))
      if (/^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b/i.test(one) && !this.byText.has(one))
        this.byText.set(one, { text: one, values });
  }
}

function queriesOf(sent: Sent): readonly Query[] {
  if (typeof sent === 'string') return [{ text: sent }];
  return 'statements' in sent ? sent.statements : [sent];
}
