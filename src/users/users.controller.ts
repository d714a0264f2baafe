import { Controller, Get } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCookieAuth,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { CurrentUser } from '../common/access/current-user.decorator';
import type { Principal } from '../common/access/principal';
import { ApiProblems } from '../common/errors/api-problems.decorator';
import { AppError } from '../common/errors/app-error';
import { UserResponse } from './dto/user.response';
import { UsersService } from './users.service';

@ApiTags('Profile')
@ApiBearerAuth()
@ApiCookieAuth()
@ApiParam({ name: 'userId', description: "One's own", schema: { type: 'string', format: 'uuid' } })
@Controller('api/users/:userId')
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Get()
  @ApiOperation({ summary: 'Read the own account', description: 'The same as the own profile.' })
  @ApiOkResponse({ type: UserResponse })
  @ApiProblems('forbidden', 'not_found')
  async read(@CurrentUser() { userId }: Principal): Promise<UserResponse> {
    const user = await this.users.view(userId);
    if (!user) throw new AppError('not_found');
    return user;
  }
}
