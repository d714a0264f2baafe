import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiCookieAuth,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { Budget } from '../../common/access/budget.decorator';
import { CurrentUser } from '../../common/access/current-user.decorator';
import { Expensive } from '../../common/access/expensive.decorator';
import type { Principal } from '../../common/access/principal';
import { Public } from '../../common/access/public.decorator';
import { RecentLogin } from '../../common/access/recent-login.decorator';
import { ApiProblems } from '../../common/errors/api-problems.decorator';
import { Client, type ClientInfo } from '../../common/http/client-info';
import { MessageResponse } from '../../common/http/message.response';
import { UserResponse } from '../../users/dto/user.response';
import { viewOf } from '../../users/user.entity';
import { LinkTokenRequest } from '../tokens/dto/link-token.request';
import { ChangeEmailRequest } from './dto/change-email.request';
import { EmailChangeService } from './email-change.service';

@ApiTags('Account')
@Controller('api/auth/change-email')
export class EmailChangeController {
  constructor(private readonly emailChange: EmailChangeService) {}

  @Expensive('always')
  @RecentLogin()
  @Budget('change-password')
  @Post()
  @HttpCode(202)
  @ApiBearerAuth()
  @ApiCookieAuth()
  @ApiOperation({
    summary: 'Ask for another address',
    description:
      'A link goes to the new address and a notice to the old one, which stays until the link is used.',
  })
  @ApiAcceptedResponse({ type: MessageResponse })
  @ApiProblems('validation_failed', 'password_incorrect', 'email_taken', 'overloaded')
  async request(
    @CurrentUser() principal: Principal,
    @Body() { email, password }: ChangeEmailRequest,
    @Client() client: ClientInfo,
  ): Promise<MessageResponse> {
    await this.emailChange.request(principal, email, password, client);
    return { message: 'A letter with a link is on its way to the new address' };
  }

  @Public()
  @Budget('verify')
  @Post('confirm')
  @HttpCode(200)
  @ApiOperation({ summary: 'Confirm the new address by the mailed token', description: 'Safe to repeat.' })
  @ApiOkResponse({ type: UserResponse })
  @ApiProblems('validation_failed', 'link_invalid', 'link_expired')
  async confirm(@Body() { token }: LinkTokenRequest, @Client() client: ClientInfo): Promise<UserResponse> {
    return viewOf(await this.emailChange.confirm(token, client));
  }
}
