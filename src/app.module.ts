import { Module, type DynamicModule } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AuditModule } from './audit/audit.module';
import { AuthModule } from './auth/auth.module';
import { CommonModule } from './common/common.module';
import { Config } from './config/config';
import { ConfigModule } from './config/config.module';
import { DatabaseModule } from './database/database.module';
import { HealthModule } from './health/health.module';
import { JobsModule } from './jobs/jobs.module';
import { LogModule } from './log/log.module';
import { MailboxModule } from './mail/mailbox/mailbox.module';
import { MailModule } from './mail/mail.module';
import { MetricsModule } from './metrics/metrics.module';
import { RateLimitModule, ThrottlingModule } from './rate-limit/rate-limit.module';
import { AddressThrottlerGuard } from './rate-limit/throttler.guards';
import { SessionsModule } from './sessions/sessions.module';
import { TasksModule } from './tasks/tasks.module';
import { UsersModule } from './users/users.module';

@Module({})
export class AppModule {
  static with(config: Config): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.with(config),
        LogModule.with(config),
        CommonModule,
        RateLimitModule,
        DatabaseModule.with(),
        JobsModule,
        AuditModule,
        UsersModule,
        SessionsModule,
        TasksModule,
        MailModule,
        ...(config.mail.smtpUrl ? [] : [MailboxModule]),
        AuthModule,
        ThrottlingModule,
        HealthModule,
        MetricsModule.with(config),
      ],
      // The guards of this module come before those of the imported ones: what they refuse has been counted.
      providers: [{ provide: APP_GUARD, useClass: AddressThrottlerGuard }],
    };
  }
}
