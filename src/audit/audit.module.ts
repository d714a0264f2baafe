import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditAlarms } from './audit-alarms';
import { AuditChain } from './audit-chain';
import { AuditEvent } from './audit-event.entity';
import { AuditKeys } from './audit-keys';
import { AuditMonths } from './audit-months';
import { AuditRetentionJob } from './audit-retention.job';
import { AuditSealer } from './audit-sealer';
import { AuditLogLines } from './audit-log-lines';
import { AuditService } from './audit.service';
import { AuditVerification } from './audit-verification';

@Module({
  imports: [TypeOrmModule.forFeature([AuditEvent])],
  providers: [
    AuditLogLines,
    AuditKeys,
    AuditChain,
    AuditAlarms,
    AuditSealer,
    AuditMonths,
    AuditRetentionJob,
    AuditVerification,
    AuditService,
  ],
  exports: [AuditService],
})
export class AuditModule {}
