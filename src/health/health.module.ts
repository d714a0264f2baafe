import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { HealthController } from './health.controller';
import { DatabaseHealth } from './indicators/database.health';
import { MailQueueHealth } from './indicators/mail-queue.health';
import { RateLimitModule } from '../rate-limit/rate-limit.module';
import { ListenerHealth } from './indicators/listener.health';
import { RateLimitHealth } from './indicators/rate-limit.health';
import { Readiness } from './readiness';
import { StatusController } from './status.controller';

@Module({
  imports: [TerminusModule.forRoot({ logger: false }), RateLimitModule],
  controllers: [HealthController, StatusController],
  providers: [DatabaseHealth, MailQueueHealth, RateLimitHealth, ListenerHealth, Readiness],
})
export class HealthModule {}
