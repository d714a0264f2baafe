import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import {
  InjectThrottlerOptions,
  InjectThrottlerStorage,
  ThrottlerGuard,
  type ThrottlerModuleOptions,
  type ThrottlerRequest,
} from '@nestjs/throttler';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../common/access/principal';
import { sha256 } from '../common/crypto/tokens';
import { addressKey } from '../common/http/address-key';
import { clientInfoOf } from '../common/http/client-info';
import { canonicalEmail, normalizeEmail } from '../common/validation/email-address';
import { KnownMarks } from './known-marks';
import { budgetOf } from './throttlers';
import type { Scope } from './budgets';
import { keyOf, RateLimitService } from './rate-limit.service';

type Asked = FastifyRequest & { user?: Principal; body?: { email?: unknown } };

/** Counts a request against the budget that its route names with `@Budget()`. */
abstract class BudgetThrottlerGuard extends ThrottlerGuard {
  /** Those of the throttlers that this guard asks. */
  protected abstract readonly scopes: Scope[];

  constructor(
    @InjectThrottlerOptions() options: ThrottlerModuleOptions,
    @InjectThrottlerStorage() protected readonly limits: RateLimitService,
  ) {
    super(options, limits, new KnownMarks());
  }

  override async onModuleInit(): Promise<void> {
    await super.onModuleInit();
    this.throttlers = this.throttlers.filter(({ name }) => this.scopes.includes(name as Scope));
  }

  protected override async handleRequest({ context, limit, ttl, throttler }: ThrottlerRequest) {
    const http = context.switchToHttp();
    const request = http.getRequest<Asked>();
    const budget = budgetOf(context)!;
    const scope = throttler.name as Scope;
    const subject = this.subjectOf(scope, request);
    if (subject === undefined) return true;
    const allowance = await this.limits.increment(keyOf(budget, scope, subject), ttl, limit);
    // What others did to an account or to the service is nobody's business.
    if (scope === 'address')
      this.limits.announce(http.getResponse<FastifyReply>(), budget, ttl / 1000, allowance);
    if (allowance.isBlocked && !(await this.isExempt(request)))
      throw this.limits.refusal(budget, scope, allowance, request);
    return true;
  }

  /** Whose count it is. Undefined where the request names none: it is refused for that reason soon enough. */
  protected abstract subjectOf(scope: Scope, request: Asked): string | undefined;

  protected abstract isExempt(request: Asked): Promise<boolean>;
}

@Injectable()
export class AddressBudgets extends BudgetThrottlerGuard {
  protected readonly scopes: Scope[] = ['address'];

  protected subjectOf(_scope: Scope, request: Asked): string {
    return addressKey(clientInfoOf(request).ip);
  }

  protected isExempt(): Promise<boolean> {
    return Promise.resolve(false);
  }
}

@Injectable()
export class AccountBudgets extends BudgetThrottlerGuard {
  protected readonly scopes: Scope[] = ['account', 'everyone'];

  protected subjectOf(scope: Scope, { user, body }: Asked): string | undefined {
    if (scope === 'everyone') return 'all';
    if (user) return user.userId;
    const email = typeof body?.email === 'string' ? normalizeEmail(body.email) : undefined;
    // Hashed: Redis need not know who has an account.
    return email && sha256(canonicalEmail(email)).toString('base64url');
  }

  /** Strangers must not be able to hold the owner back by using up what there is for all of them. */
  protected async isExempt(request: Asked): Promise<boolean> {
    const email = request.body?.email;
    return !request.user && typeof email === 'string' && (await this.limits.recognises(request, email));
  }
}

/** Lets routes without a budget pass at once: a throttler takes some promises for each request, which hot ones would feel. */
abstract class BudgetGuard implements CanActivate {
  protected abstract readonly budgets: BudgetThrottlerGuard;
  protected abstract readonly limits: RateLimitService;

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const isCounted = this.limits.isOn && budgetOf(context) !== undefined;
    return !isCounted || this.budgets.canActivate(context);
  }
}

/** By client address. The first of all guards: what the others refuse has been counted. */
@Injectable()
export class AddressThrottlerGuard extends BudgetGuard {
  constructor(
    protected readonly budgets: AddressBudgets,
    protected readonly limits: RateLimitService,
  ) {
    super();
  }
}

/** By account, that of the session or that of the address in the body, and for all together. The last of the guards. */
@Injectable()
export class AccountThrottlerGuard extends BudgetGuard {
  constructor(
    protected readonly budgets: AccountBudgets,
    protected readonly limits: RateLimitService,
  ) {
    super();
  }
}
