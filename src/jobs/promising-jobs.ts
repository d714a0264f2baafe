import { Global, Injectable, Module } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Jobs, type JobOptions } from './jobs.service';
import type { QueueName } from './queues';

/** The jobs of a process that promises them and leaves the work to the servers: the CLI. */
@Injectable()
export class PromisingJobs extends Jobs {
  override work(): void {
    // The handlers are there, for they come with their services; they are never called.
  }

  override schedule(): void {
    // As above.
  }

  override async enqueue(
    queue: QueueName,
    data: object,
    options: JobOptions,
    tx: EntityManager,
  ): Promise<string> {
    await this.prepare();
    return super.enqueue(queue, data, options, tx);
  }

  override async onApplicationBootstrap(): Promise<void> {
    // Nothing starts before the first job.
  }
}

/** Stands in for `JobsModule`. */
@Global()
@Module({ providers: [{ provide: Jobs, useClass: PromisingJobs }], exports: [Jobs] })
export class PromisingJobsModule {}
