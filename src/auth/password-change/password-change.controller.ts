import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiCookieAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Budget } from '../../common/access/budget.decorator';
import { CurrentUser } from '../../common/access/current-user.decorator';
import { Expensive } from '../../common/access/expensive.decorator';
import type { Principal } from '../../common/access/principal';
import { ApiProblems } from '../../common/errors/api-problems.decorator';
import { Client, type ClientInfo } from '../../common/http/client-info';
import { MessageResponse } from '../../common/http/message.response';
import { ChangePasswordRequest } from './dto/change-password.request';
import { PasswordChangeService } from './password-change.service';

@ApiTags('Account')
@ApiBearerAuth()
@ApiCookieAuth()
@Controller('api/auth/change-password')
export class PasswordChangeController {
  constructor(private readonly passwordChange: PasswordChangeService) {}

  @Expensive('always')
  @Budget('change-password')
  @Post()
  @HttpCode(200)
  @ApiOperation({ summary: 'Change the password', description: 'Ends every other session.' })
  @ApiOkResponse({ type: MessageResponse })
  @ApiProblems('validation_failed', 'password_incorrect', 'overloaded')
  async change(
    @CurrentUser() principal: Principal,
    @Body() { currentPassword, newPassword }: ChangePasswordRequest,
    @Client() client: ClientInfo,
  ): Promise<MessageResponse> {
    await this.passwordChange.change(principal, currentPassword, newPassword, client);
    return { message: 'The password is changed. Your other sessions have ended' };
  }
}
