import { Controller, Get, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiCookieAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../../common/access/current-user.decorator';
import type { Principal } from '../../common/access/principal';
import { ApiProblems } from '../../common/errors/api-problems.decorator';
import { ActivityService } from './activity.service';
import { ActivityPageResponse } from './dto/activity.response';
import { ListActivityRequest } from './dto/list-activity.request';

@ApiTags('Account')
@ApiBearerAuth()
@ApiCookieAuth()
@Controller('api/auth/activity')
export class ActivityController {
  constructor(private readonly activity: ActivityService) {}

  @Get()
  @ApiOperation({ summary: 'What happened to the own account, the latest first' })
  @ApiOkResponse({ type: ActivityPageResponse })
  @ApiProblems('validation_failed')
  async list(
    @CurrentUser() principal: Principal,
    @Query() { limit, cursor }: ListActivityRequest,
  ): Promise<ActivityPageResponse> {
    const { events, nextCursor } = await this.activity.list(principal, limit, cursor);
    return ActivityPageResponse.from(events, nextCursor, principal.sessionId);
  }
}
