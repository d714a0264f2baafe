import { Global, Injectable, Module } from '@nestjs/common';
import type { PgBoss } from 'pg-boss';
import type { EntityManager } from 'typeorm';
import { createPromisingBoss } from './boss';
import { Jobs, type JobOptions } from './jobs.service';
import type { QueueName } from './queues';

/** The jobs of a process that promises them and leaves the work to the servers: the CLI. */
@Injectable()
export class PromisingJobs extends Jobs {
  private ready?: Promise<unknown>;

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
    this.ready ??= this.boss.start();
    await this.ready;
    return super.enqueue(queue, data, options, tx);
  }

  override onApplicationBootstrap(): void {
    // Nothing starts before the first job.
  }

  override async beforeApplicationShutdown(): Promise<void> {
    await this.boss.stop({ graceful: false, close: false });
  }

  protected override createBoss(): PgBoss {
    return createPromisingBoss(this.dataSource);
  }
}

/** Stands in for `JobsModule`. */
@Global()
@Module({ providers: [{ provide: Jobs, useClass: PromisingJobs }], exports: [Jobs] })
export class PromisingJobsModule {}
