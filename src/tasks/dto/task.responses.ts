import { ApiProperty } from '@nestjs/swagger';
import type { Task } from '../task.entity';

export class TaskResponse {
  @ApiProperty({ format: 'uuid', example: '019a5c1e-7c1b-7a63-b1a4-6d6f0a2f9c11' })
  id: string;

  @ApiProperty({ example: 'Water the plants' })
  title: string;

  @ApiProperty({ example: 'All but the cactus' })
  description: string;

  @ApiProperty({ example: false })
  completed: boolean;

  @ApiProperty({ format: 'date-time', example: '2026-11-21T09:00:00.000Z' })
  createdAt: string;

  @ApiProperty({ format: 'date-time', example: '2026-11-21T09:00:00.000Z' })
  updatedAt: string;

  static from({ id, title, description, completed, createdAt, updatedAt }: Task): TaskResponse {
    return {
      id,
      title,
      description,
      completed,
      createdAt: createdAt.toISOString(),
      updatedAt: updatedAt.toISOString(),
    };
  }
}

export class TaskPageResponse {
  @ApiProperty({ type: [TaskResponse] })
  items: TaskResponse[];

  @ApiProperty({
    type: String,
    nullable: true,
    description: 'For the query `cursor` of the next page; null on the last',
    example: 'AZpcHnwbemOxpG1vCi-cEQ',
  })
  nextCursor: string | null;

  static from(tasks: Task[], nextCursor: string | null): TaskPageResponse {
    return { items: tasks.map((task) => TaskResponse.from(task)), nextCursor };
  }
}
