import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ThrottlerModule } from '@nestjs/throttler';
import { RateLimitService } from './rate-limit.service';
import { AccountBudgets, AccountThrottlerGuard, AddressBudgets } from './throttler.guards';
import { throttlersOf } from './throttlers';

@Module({ providers: [RateLimitService], exports: [RateLimitService] })
export class RateLimitModule {}

/** Imported after the module that authenticates: global guards run in the order of their modules. */
@Module({
  imports: [
    RateLimitModule,
    ThrottlerModule.forRootAsync({
      imports: [RateLimitModule],
      inject: [RateLimitService],
      useFactory: throttlersOf,
    }),
  ],
  providers: [AddressBudgets, AccountBudgets, { provide: APP_GUARD, useClass: AccountThrottlerGuard }],
  exports: [AddressBudgets],
})
export class ThrottlingModule {}
