import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  ParseUUIDPipe,
  Post,
  Put,
  Query,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCookieAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { Budget } from '../common/access/budget.decorator';
import { CurrentUser } from '../common/access/current-user.decorator';
import type { Principal } from '../common/access/principal';
import { ApiProblems } from '../common/errors/api-problems.decorator';
import { AppError } from '../common/errors/app-error';
import { CreateTaskRequest, ListTasksRequest, UpdateTaskRequest } from './dto/task.requests';
import { TaskPageResponse, TaskResponse } from './dto/task.responses';
import { TasksService } from './tasks.service';

/** Anything that is no UUID names no task, so it is the same 404 as one that is not there. */
const taskId = new ParseUUIDPipe({ exceptionFactory: () => new AppError('not_found') });

/** The ownership guard has compared `:userId` with the session's user, which is what the methods go by. */
@ApiTags('Tasks')
@ApiBearerAuth()
@ApiCookieAuth()
@ApiParam({ name: 'userId', description: "One's own", schema: { type: 'string', format: 'uuid' } })
@Controller('api/users/:userId/tasks')
export class TasksController {
  constructor(private readonly tasks: TasksService) {}

  @Get()
  @ApiOperation({ summary: 'The own tasks, the newest first' })
  @ApiOkResponse({ type: TaskPageResponse })
  @ApiProblems('validation_failed', 'forbidden')
  async list(
    @CurrentUser() { userId }: Principal,
    @Query() { limit, cursor }: ListTasksRequest,
  ): Promise<TaskPageResponse> {
    const { tasks, nextCursor } = await this.tasks.list(userId, limit, cursor);
    return TaskPageResponse.from(tasks, nextCursor);
  }

  @Budget('tasks')
  @Post()
  @ApiOperation({ summary: 'Make a task', description: 'An account has at most 10,000.' })
  @ApiCreatedResponse({ type: TaskResponse })
  @ApiProblems('validation_failed', 'forbidden', 'not_found', 'too_many_tasks')
  async create(@CurrentUser() { userId }: Principal, @Body() task: CreateTaskRequest): Promise<TaskResponse> {
    return TaskResponse.from(await this.tasks.create(userId, task));
  }

  @Get(':taskId')
  @ApiOperation({ summary: 'Read a task' })
  @ApiOkResponse({ type: TaskResponse })
  @ApiProblems('forbidden', 'not_found')
  async read(
    @CurrentUser() { userId }: Principal,
    @Param('taskId', taskId) id: string,
  ): Promise<TaskResponse> {
    return TaskResponse.from(await this.tasks.read(userId, id));
  }

  @Budget('tasks')
  @Put(':taskId')
  @ApiOperation({
    summary: 'Change a task',
    description: 'Every field may be left out: what is given is replaced, the rest stays as it is.',
  })
  @ApiOkResponse({ type: TaskResponse })
  @ApiProblems('validation_failed', 'forbidden', 'not_found')
  async update(
    @CurrentUser() { userId }: Principal,
    @Param('taskId', taskId) id: string,
    @Body() change: UpdateTaskRequest,
  ): Promise<TaskResponse> {
    return TaskResponse.from(await this.tasks.update(userId, id, change));
  }

  @Budget('tasks')
  @Delete(':taskId')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a task' })
  @ApiNoContentResponse()
  @ApiProblems('forbidden', 'not_found')
  async remove(@CurrentUser() { userId }: Principal, @Param('taskId', taskId) id: string): Promise<void> {
    await this.tasks.remove(userId, id);
  }
}
