import { Body, Controller, Get, Put } from '@nestjs/common';
import { ApiBearerAuth, ApiCookieAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../../common/access/current-user.decorator';
import type { Principal } from '../../common/access/principal';
import { ApiProblems } from '../../common/errors/api-problems.decorator';
import { Client, type ClientInfo } from '../../common/http/client-info';
import { UserResponse } from '../../users/dto/user.response';
import { UpdateProfileRequest } from './dto/update-profile.request';
import { ProfileService } from './profile.service';

@ApiTags('Profile')
@ApiBearerAuth()
@ApiCookieAuth()
@Controller('api/auth/profile')
export class ProfileController {
  constructor(private readonly profile: ProfileService) {}

  @Get()
  @ApiOperation({ summary: 'Read the own profile' })
  @ApiOkResponse({ type: UserResponse })
  @ApiProblems('not_found')
  read(@CurrentUser() principal: Principal): Promise<UserResponse> {
    return this.profile.read(principal);
  }

  @Put()
  @ApiOperation({ summary: 'Change the own name' })
  @ApiOkResponse({ type: UserResponse })
  @ApiProblems('validation_failed', 'not_found')
  update(
    @CurrentUser() principal: Principal,
    @Body() { name }: UpdateProfileRequest,
    @Client() client: ClientInfo,
  ): Promise<UserResponse> {
    return this.profile.rename(principal, name, client);
  }
}
