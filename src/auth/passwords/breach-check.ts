import { Injectable, Logger } from '@nestjs/common';
import { Counter, Registry } from 'prom-client';
import { Clock } from '../../common/clock';
import { Config } from '../../config/config';
import { Throttle } from '../../common/throttle';
import { normalizePassword } from './password-text';
import { isInRange, RangeApiError } from './range-api';

/** Failures in a row after which nothing is asked for a while. */
const MOST_FAILURES = 3;
const PAUSE_MS = 30_000;

type Result = 'clear' | 'breached' | 'failed' | 'skipped';

/**
 * Whether passwords were in data breaches (ASVS 6.2.12), asked of the range API at `PASSWORD_BREACH_URL`; without one
 * nothing is asked. Fail-open: what is not known within a second counts as not breached. After three failures in a row
 * nothing is asked for 30 s, so that an API that is away costs a second now and then and not at every registration; from
 * then on one failure more is enough, until a look-up succeeds.
 */
@Injectable()
export class BreachCheck {
  readonly isEnabled: boolean;
  private readonly logger = new Logger(BreachCheck.name);
  private readonly throttle = new Throttle();
  private readonly url?: string;
  private readonly results: Counter<'result'>;
  private failures = 0;
  private pausedUntil = -Infinity;

  constructor(
    { passwords: { breachUrl } }: Config,
    registry: Registry,
    private readonly clock: Clock,
  ) {
    this.isEnabled = breachUrl !== undefined;
    this.url = breachUrl;
    this.results = new Counter({
      name: 'gatehouse_password_breach_checks_total',
      help: 'Look-ups of passwords among breached ones; failed and skipped ones count as good',
      labelNames: ['result'],
      registers: [registry],
    });
  }

  /** Never rejects. May take a second: not to be called within a transaction. */
  async isBreached(password: string): Promise<boolean> {
    const text = normalizePassword(password);
    if (this.url === undefined || text === undefined) return false;
    if (this.clock.now().getTime() < this.pausedUntil) return this.skip();
    const result = await this.lookUp(this.url, text);
    this.results.inc({ result });
    return result === 'breached';
  }

  /** Counts a look-up that is left out. */
  skip(): false {
    this.results.inc({ result: 'skipped' });
    return false;
  }

  private async lookUp(url: string, text: string): Promise<Result> {
    try {
      const isBreached = await isInRange(url, text);
      this.failures = 0;
      return isBreached ? 'breached' : 'clear';
    } catch (error) {
      this.failures += 1;
      if (this.failures >= MOST_FAILURES) this.pausedUntil = this.clock.now().getTime() + PAUSE_MS;
      this.warn(error);
      return 'failed';
    }
  }

  private warn(error: unknown): void {
    const suppressed = this.throttle.pass('failed');
    if (suppressed === undefined) return;
    this.logger.warn({
      event: 'password.breach_check_failed',
      reason: reasonOf(error),
      suppressed,
      msg: 'a password could not be looked up among the breached ones and counts as good',
    });
  }
}

/** Nothing that may quote the address asked, which ends in a part of the password's hash. */
function reasonOf(error: unknown): string {
  if (error instanceof RangeApiError) return error.message;
  const { name, cause } = error as Error;
  return (cause as { code?: string } | undefined)?.code ?? name;
}
