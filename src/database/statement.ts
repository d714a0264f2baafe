import { Result, type FieldDef } from 'pg';
import { prepareValue } from 'pg/lib/utils';
import { serialize } from 'pg-protocol';

/** What the driver notes of the rows that a statement returns, to read them by. */
interface Description {
  fields: FieldDef[];
  _parsers: unknown;
  _prebuiltEmptyResultObject: unknown;
}

interface DriverResult extends Result, Description {
  addFields(fields: FieldDef[]): void;
  parseRow(values: unknown[]): unknown;
  addRow(row: unknown): void;
  addCommandComplete(message: unknown): void;
}

const DriverResult = Result as unknown as new () => DriverResult;

/** What a connection knows of the statements that it has prepared, by their names. */
export interface Prepared {
  /** Texts: the driver's own account, which it keeps by the `name` and `text` of what is being answered. */
  parsedStatements: Record<string, string>;
  /** The same of those that have been sent and not been answered yet. */
  submittedNamedStatements: Record<string, string>;
}

/**
 * What the rows of prepared statements look like, by their names: asked for once, where the driver would have it described
 * anew for each execution. PostgreSQL never lets one of them return other rows: where a migration would change
 * them it fails (`isOutOfDate`).
 */
export type Descriptions = Map<string, Description>;

/** A statement with parameters, in the extended protocol of PostgreSQL, and what is answered to it. */
export class Statement {
  readonly result = new DriverResult();
  private failure?: Error;

  /**
   * @param name undefined where it is not to be prepared
   * @param heard called once, when all that travelled with it is answered
   */
  constructor(
    readonly text: string,
    private readonly values: unknown[],
    readonly name: string | undefined,
    private readonly descriptions: Descriptions,
    private readonly heard?: (error: Error | undefined, result: Result) => void,
  ) {}

  /** Adds what is to be sent. @throws where a value cannot be written down */
  write(messages: Buffer[], { parsedStatements, submittedNamedStatements }: Prepared): void {
    const { name, text, values } = this;
    if (name === undefined || (parsedStatements[name] ?? submittedNamedStatements[name]) === undefined) {
      messages.push(serialize.parse({ name, text }));
      if (name !== undefined) submittedNamedStatements[name] = text;
    }
    messages.push(serialize.bind({ statement: name, values, valueMapper: prepareValue }));
    const description = name === undefined ? undefined : this.descriptions.get(name);
    if (description) Object.assign(this.result, description);
    else messages.push(serialize.describe({ type: 'P' }));
    messages.push(serialize.execute());
  }

  describe(fields: FieldDef[]): void {
    this.result.addFields(fields);
  }

  addRow(values: unknown[]): void {
    if (this.failure) return;
    try {
      this.result.addRow(this.result.parseRow(values));
    } catch (error) {
      this.failure = error as Error;
    }
  }

  complete(message: unknown): void {
    this.result.addCommandComplete(message);
    if (this.name === undefined || this.descriptions.has(this.name)) return;
    const { fields, _parsers, _prebuiltEmptyResultObject } = this.result;
    this.descriptions.set(this.name, { fields, _parsers, _prebuiltEmptyResultObject });
  }

  /** @returns what it failed by: `error`, or a value that could not be read */
  end(error = this.failure): Error | undefined {
    this.heard?.(error, this.result);
    return error;
  }
}
