import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { AuditService } from '../audit/audit.service';
import { LoginFailures } from '../auth/back-off/login-failures';
import { NewPasswords } from '../auth/passwords/new-passwords';
import { PasswordsModule } from '../auth/passwords/passwords.module';
import { OneTimeTokens } from '../auth/tokens/one-time-tokens';
import { ResetToken } from '../auth/tokens/reset-token.entity';
import { VerificationToken } from '../auth/tokens/verification-token.entity';
import { CommonModule } from '../common/common.module';
import type { Config } from '../config/config';
import { ConfigModule } from '../config/config.module';
import { DatabaseModule } from '../database/database.module';
import { PromisingJobsModule } from '../jobs/promising-jobs';
import { MailService } from '../mail/mail.service';
import { SessionsModule } from '../sessions/sessions.module';
import { UsersModule } from '../users/users.module';
import { LetterAdministration } from './mail/letter-administration';
import type { Services } from './services';
import { SessionAdministration } from './sessions/session-administration';
import { StderrLogger } from './stderr-logger';
import { AccountAdministration } from './users/account-administration';

/** An absent database is told at once instead of waited for. */
const DATABASE = { poolMax: 4, applicationName: 'gatehouse cli', retryAttempts: 1, retryDelay: 0 };

/** The services of the server, without controllers, guards and workers: what the CLI does obeys the same rules. */
@Module({})
class ServicesModule {
  static with(config: Config): DynamicModule {
    return {
      module: ServicesModule,
      imports: [
        ConfigModule.with(config),
        CommonModule,
        DatabaseModule.with(DATABASE),
        PromisingJobsModule,
        AuditModule,
        UsersModule,
        SessionsModule,
        PasswordsModule,
        TypeOrmModule.forFeature([ResetToken, VerificationToken]),
      ],
      providers: [
        MailService,
        NewPasswords,
        LoginFailures,
        OneTimeTokens,
        AccountAdministration,
        SessionAdministration,
        LetterAdministration,
      ],
    };
  }
}

/** @throws what the driver throws where the database is away */
export async function openServices(
  config: Config,
): Promise<{ services: Services; close: () => Promise<void> }> {
  const context = await NestFactory.createApplicationContext(ServicesModule.with(config), {
    logger: new StderrLogger(),
    abortOnError: false,
  });
  return {
    services: {
      accounts: context.get(AccountAdministration),
      sessions: context.get(SessionAdministration),
      letters: context.get(LetterAdministration),
      audit: context.get(AuditService),
    },
    close: () => context.close(),
  };
}
