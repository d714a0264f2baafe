import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { JwtModule } from '@nestjs/jwt';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { MailModule } from '../mail/mail.module';
import { RateLimitModule } from '../rate-limit/rate-limit.module';
import { SessionsModule } from '../sessions/sessions.module';
import { TasksModule } from '../tasks/tasks.module';
import { UsersModule } from '../users/users.module';
import { ActivityController } from './activity/activity.controller';
import { ActivityService } from './activity/activity.service';
import { DeviceCookie } from './back-off/device-cookie';
import { IdleFailuresJob } from './back-off/idle-failures.job';
import { KnownDevices } from './back-off/known-devices';
import { LoginFailure } from './back-off/login-failure.entity';
import { LoginFailures } from './back-off/login-failures';
import { PasswordAttempts } from './back-off/password-attempts.service';
import { Recognition } from './back-off/recognition';
import { Visitors } from './back-off/visitors';
import { CsrfController } from './cookies/csrf.controller';
import { CsrfTokens } from './cookies/csrf-tokens';
import { SessionCookie } from './cookies/session-cookie';
import { DevicesController } from './devices/devices.controller';
import { DevicesService } from './devices/devices.service';
import { AuthenticationGuard } from './guards/authentication.guard';
import { CsrfGuard } from './guards/csrf.guard';
import { LiveSessionGuard } from './guards/live-session.guard';
import { OwnershipGuard } from './guards/ownership.guard';
import { RecentLoginGuard } from './guards/recent-login.guard';
import { KeysController } from './keys/keys.controller';
import { CredentialsService } from './login/credentials.service';
import { CurrentPassword } from './login/current-password';
import { LoginController } from './login/login.controller';
import { LoginMetrics } from './login/login-metrics';
import { LoginReads } from './login/login-reads';
import { LoginService } from './login/login.service';
import { PasswordVerifier } from './login/password-verifier';
import { BreachWatch } from './passwords/breach-watch';
import { NewPasswords } from './passwords/new-passwords';
import { PasswordsModule } from './passwords/passwords.module';
import { ProfileController } from './profile/profile.controller';
import { ProfileService } from './profile/profile.service';
import { RefreshController } from './refresh/refresh.controller';
import { RefreshMetrics } from './refresh/refresh-metrics';
import { RefreshService } from './refresh/refresh.service';
import { RegistrationController } from './registration/registration.controller';
import { RegistrationService } from './registration/registration.service';
import { UnverifiedAccountsJob } from './registration/unverified-accounts.job';
import { VerificationService } from './registration/verification.service';
import { CookieStrategy } from './strategies/cookie.strategy';
import { JwtStrategy } from './strategies/jwt.strategy';
import { LocalStrategy } from './strategies/local.strategy';
import { AccessTokens } from './tokens/access-tokens';
import { ExpiredTokensJob } from './tokens/expired-tokens.job';
import { ResetToken } from './tokens/reset-token.entity';
import { DeletionController } from './deletion/deletion.controller';
import { DeletionService } from './deletion/deletion.service';
import { EmailChangeController } from './email-change/email-change.controller';
import { EmailChangeService } from './email-change/email-change.service';
import { ExportController } from './export/export.controller';
import { ExportService } from './export/export.service';
import { NotMeController } from './notices/not-me.controller';
import { NotMeService } from './notices/not-me.service';
import { NoticeTokens } from './notices/notice-tokens';
import { NoticesService } from './notices/notices.service';
import { SecurityNotice } from './notices/security-notice.entity';
import { PasswordChangeController } from './password-change/password-change.controller';
import { PasswordChangeService } from './password-change/password-change.service';
import { PasswordResetController } from './password-reset/password-reset.controller';
import { PasswordResetService } from './password-reset/password-reset.service';
import { OneTimeTokens } from './tokens/one-time-tokens';
import { ResetTokens } from './tokens/reset-tokens';
import { SigningKeys } from './tokens/signing-keys';
import { VerifiedTokens } from './tokens/verified-tokens';
import { VerificationToken } from './tokens/verification-token.entity';
import { VerificationTokens } from './tokens/verification-tokens';

@Module({
  imports: [
    TypeOrmModule.forFeature([VerificationToken, ResetToken, SecurityNotice, LoginFailure]),
    JwtModule,
    PasswordsModule,
    AuditModule,
    MailModule,
    RateLimitModule,
    SessionsModule,
    TasksModule,
    UsersModule,
  ],
  controllers: [
    RegistrationController,
    LoginController,
    RefreshController,
    CsrfController,
    DevicesController,
    ActivityController,
    ProfileController,
    PasswordResetController,
    PasswordChangeController,
    EmailChangeController,
    NotMeController,
    ExportController,
    DeletionController,
    KeysController,
  ],
  providers: [
    // In this order: who asks, did they mean to, is it theirs, are they who they were.
    { provide: APP_GUARD, useClass: AuthenticationGuard },
    { provide: APP_GUARD, useClass: CsrfGuard },
    { provide: APP_GUARD, useClass: OwnershipGuard },
    { provide: APP_GUARD, useClass: RecentLoginGuard },
    LiveSessionGuard,
    LocalStrategy,
    JwtStrategy,
    CookieStrategy,
    SessionCookie,
    CsrfTokens,
    SigningKeys,
    VerifiedTokens,
    AccessTokens,
    VerificationTokens,
    ResetTokens,
    OneTimeTokens,
    NoticeTokens,
    NewPasswords,
    BreachWatch,
    PasswordVerifier,
    LoginFailures,
    PasswordAttempts,
    KnownDevices,
    Visitors,
    DeviceCookie,
    Recognition,
    IdleFailuresJob,
    LoginMetrics,
    LoginReads,
    CredentialsService,
    CurrentPassword,
    LoginService,
    RefreshMetrics,
    RefreshService,
    DevicesService,
    ActivityService,
    ExpiredTokensJob,
    RegistrationService,
    VerificationService,
    UnverifiedAccountsJob,
    ProfileService,
    PasswordResetService,
    PasswordChangeService,
    EmailChangeService,
    NoticesService,
    NotMeService,
    ExportService,
    DeletionService,
  ],
})
export class AuthModule {}
