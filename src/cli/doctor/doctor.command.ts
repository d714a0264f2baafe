import { Command } from 'nest-commander';
import { ConfigurationError, productionGaps } from '../../config/env';
import { AdminCommand, type Answer } from '../admin-command';
import { EXIT } from '../exit-codes';
import { attempt, fail, type Finding, type Status } from './finding';

@Command({
  name: 'doctor',
  description: 'check settings, neighbours, rights and this machine; changes nothing and sends no letter',
})
export class DoctorCommand extends AdminCommand {
  protected async answer(): Promise<Answer> {
    const findings = await this.examine();
    const count = (status: Status) => findings.filter((finding) => finding.status === status).length;
    const counts = { ok: count('ok'), warn: count('warn'), fail: count('fail') };
    const summary = `${counts.ok} ok, ${counts.warn} warnings, ${counts.fail} failures`;
    return {
      json: { ...counts, findings },
      text: `${findings.map(textOf).join('\n')}\n\n${summary}\n`,
      exitCode: counts.fail > 0 ? EXIT.problems : EXIT.ok,
    };
  }

  private async examine(): Promise<Finding[]> {
    const { checkMachine } = require('./machine-checks') as typeof import('./machine-checks');
    try {
      const found = await this.examineNeighbours();
      return [...found, ...(await checkMachine())];
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      const mistakes = error.mistakes.map((mistake) =>
        fail(
          'configuration',
          mistake,
          'mend it first: nothing else can be checked before; docs/configuration.md',
        ),
      );
      return [...mistakes, ...(await checkMachine())];
    }
  }

  private examineNeighbours(): Promise<Finding[]> {
    return this.installation.withSettings(async (config) => {
      const [{ checkSettings }, { checkMail, checkRedis }, { checkDatabase }] = await Promise.all([
        require('./settings-checks') as typeof import('./settings-checks'),
        require('./neighbour-checks') as typeof import('./neighbour-checks'),
        require('./database-checks') as typeof import('./database-checks'),
      ]);
      const database = attempt('database', 'set DATABASE_URL to a PostgreSQL of your own', () =>
        this.installation.withDatabase(checkDatabase),
      );
      const gaps = config.isProduction ? [] : productionGaps(process.env);
      const found = await Promise.all([
        checkSettings(config, gaps),
        database,
        checkMail(config),
        checkRedis(config),
      ]);
      return found.flat();
    });
  }
}

const WIDTH = 22;

function textOf({ check, status, message, advice }: Finding): string {
  const line = `${status.padEnd(4)}  ${check.padEnd(WIDTH)}${message}`;
  return advice === undefined ? line : `${line}\n${' '.repeat(WIDTH + 6)}→ ${advice}`;
}
