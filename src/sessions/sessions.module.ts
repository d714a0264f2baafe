import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { UsersModule } from '../users/users.module';
import { AuthenticationService } from './authentication.service';
import { ExpiredSessionsJob } from './expired-sessions.job';
import { OwnedSessions } from './owned-sessions';
import { RevocationService } from './revocation.service';
import { RotationService } from './rotation.service';
import { SessionCache } from './session-cache';
import { SessionMetrics } from './session-metrics';
import { Session } from './session.entity';
import { SessionTokens } from './session-tokens';
import { SessionsService } from './sessions.service';

@Module({
  imports: [TypeOrmModule.forFeature([Session]), AuditModule, UsersModule],
  providers: [
    SessionsService,
    AuthenticationService,
    RotationService,
    RevocationService,
    OwnedSessions,
    SessionCache,
    SessionMetrics,
    SessionTokens,
    ExpiredSessionsJob,
  ],
  exports: [SessionsService, AuthenticationService, RotationService, RevocationService],
})
export class SessionsModule {}
