import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { HealthController } from './health.controller';
import { DatabaseHealth } from './indicators/database.health';
import { MailQueueHealth } from './indicators/mail-queue.health';
import { StatusController } from './status.controller';

@Module({
  imports: [TerminusModule.forRoot({ logger: false })],
  controllers: [HealthController, StatusController],
  providers: [DatabaseHealth, MailQueueHealth],
})
export class HealthModule {}
