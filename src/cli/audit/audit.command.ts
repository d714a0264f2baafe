import { Command, Option, SubCommand } from 'nest-commander';
import type { AuditEvent } from '../../audit/audit-event.entity';
import type { AuditReport, ExpectedHead } from '../../audit/audit-verification';
import { AdminCommand, CommandGroup, type Answer, type CommonOptions } from '../admin-command';
import { OptionError } from '../cli-error';
import { EXIT } from '../exit-codes';
import { moment } from '../option-values';
import { facts, table } from '../table';

interface VerifyOptions extends CommonOptions {
  expectHead?: ExpectedHead;
}

@SubCommand({
  name: 'verify',
  description: 'read the whole audit trail and say what is not as the service wrote it',
})
export class AuditVerifyCommand extends AdminCommand {
  protected async answer(_: string[], { expectHead: expectedHead }: VerifyOptions): Promise<Answer> {
    const report = await this.installation.withServices(({ audit }) => audit.verify({ expectedHead }));
    const isOk = report.problemCount === 0;
    return {
      json: { ok: isOk, ...report },
      text: textOf(report),
      exitCode: isOk ? EXIT.ok : EXIT.problems,
    };
  }

  @Option({
    flags: '--expect-head <sequence:hash>',
    description: 'a newest link that was written down elsewhere: it must still be there',
  })
  parseExpectHead(value: string): ExpectedHead {
    const [, sequence, hash] = /^(\d{1,15}):([\da-f]{2,128})$/i.exec(value) ?? [];
    if (!sequence || !hash)
      throw new OptionError('It must be as `gatehouse audit verify` and the log show it: 4711:0a1b…');
    return { sequence: Number(sequence), hash };
  }
}

interface ExportOptions extends CommonOptions {
  from?: Date;
  to?: Date;
}

@SubCommand({
  name: 'export',
  description: 'print the events of a time as NDJSON, a JSON object on each line, the oldest first',
})
export class AuditExportCommand extends AdminCommand {
  override async run(_: string[], { from, to }: ExportOptions): Promise<void> {
    await this.installation.withServices(async ({ audit }) => {
      for await (const page of audit.exportPages({ from, to }))
        await this.terminal.print(page.map((event) => `${JSON.stringify(entryOf(event))}\n`).join(''));
    });
  }

  @Option({ flags: '--from <date>', description: 'events from this time on' })
  parseFrom(value: string): Date {
    return moment(value);
  }

  @Option({ flags: '--to <date>', description: 'events before this time' })
  parseTo(value: string): Date {
    return moment(value);
  }

  /** Written line by line instead: a trail need not fit into memory. */
  protected answer(): Promise<Answer> {
    throw new Error('an export has no answer');
  }
}

export const AUDIT_COMMANDS = [AuditVerifyCommand, AuditExportCommand];

@Command({ name: 'audit', description: 'the audit trail', subCommands: AUDIT_COMMANDS })
export class AuditCommand extends CommandGroup {}

function entryOf({ id, createdAt, action, userId, sessionId, ip, userAgent, requestId }: AuditEvent) {
  return { id, createdAt, action, userId, sessionId, ip, userAgent, requestId };
}

function textOf({
  events,
  links,
  firstSequence,
  lastSequence,
  head,
  unsealed,
  problemCount,
  problems,
}: AuditReport) {
  const summary = facts({
    events,
    links: links === 0 ? 0 : `${links} (${firstSequence} to ${lastSequence})`,
    'not linked yet': unsealed,
    head: head && `${head.sequence}:${head.hash}`,
    problems: problemCount,
  });
  if (problemCount === 0) return summary;
  const rows = problems.map(({ kind, id, sequence, lastSequence: last, at }) => [
    kind,
    last === undefined ? sequence : `${sequence} to ${last}`,
    id,
    at.toISOString(),
  ]);
  const more = problemCount > problems.length ? `and ${problemCount - problems.length} more\n` : '';
  return `${summary}\n${table(['PROBLEM', 'LINK', 'EVENT', 'AT'], rows)}${more}`;
}
