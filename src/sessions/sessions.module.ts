import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { RefreshTokenCodec } from './refresh-token';
import { Session } from './session.entity';
import { SessionsService } from './sessions.service';

@Module({
  imports: [TypeOrmModule.forFeature([Session]), AuditModule],
  providers: [SessionsService, RefreshTokenCodec],
  exports: [SessionsService],
})
export class SessionsModule {}
