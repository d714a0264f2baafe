import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { JwtModule } from '@nestjs/jwt';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { MailModule } from '../mail/mail.module';
import { SessionsModule } from '../sessions/sessions.module';
import { UsersModule } from '../users/users.module';
import { AuthenticationGuard } from './guards/authentication.guard';
import { LoginController } from './login/login.controller';
import { LoginService } from './login/login.service';
import { PasswordVerifier } from './login/password-verifier';
import { NewPasswords } from './passwords/new-passwords';
import { PasswordsModule } from './passwords/passwords.module';
import { ProfileController } from './profile/profile.controller';
import { ProfileService } from './profile/profile.service';
import { RegistrationController } from './registration/registration.controller';
import { RegistrationService } from './registration/registration.service';
import { UnverifiedAccountsJob } from './registration/unverified-accounts.job';
import { VerificationService } from './registration/verification.service';
import { JwtStrategy } from './strategies/jwt.strategy';
import { LocalStrategy } from './strategies/local.strategy';
import { AccessTokens } from './tokens/access-tokens';
import { ResetToken } from './tokens/reset-token.entity';
import { SigningKeys } from './tokens/signing-keys';
import { VerificationToken } from './tokens/verification-token.entity';
import { VerificationTokens } from './tokens/verification-tokens';

@Module({
  imports: [
    TypeOrmModule.forFeature([VerificationToken, ResetToken]),
    JwtModule,
    PasswordsModule,
    AuditModule,
    MailModule,
    SessionsModule,
    UsersModule,
  ],
  controllers: [RegistrationController, LoginController, ProfileController],
  providers: [
    { provide: APP_GUARD, useClass: AuthenticationGuard },
    LocalStrategy,
    JwtStrategy,
    SigningKeys,
    AccessTokens,
    VerificationTokens,
    NewPasswords,
    PasswordVerifier,
    LoginService,
    RegistrationService,
    VerificationService,
    UnverifiedAccountsJob,
    ProfileService,
  ],
})
export class AuthModule {}
