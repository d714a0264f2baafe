import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Public } from '../../common/access/public.decorator';
import { ApiProblems } from '../../common/errors/api-problems.decorator';
import { Client, type ClientInfo } from '../../common/http/client-info';
import { MessageResponse } from '../../common/http/message.response';
import { ResetConfirmRequest, ResetRequest } from './dto/reset.requests';
import { PasswordResetService } from './password-reset.service';

@Public()
@ApiTags('Recovery')
@Controller('api/auth')
export class PasswordResetController {
  constructor(private readonly passwordReset: PasswordResetService) {}

  @Post('reset-request')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Ask for a new password',
    description: 'The same answer whoever asks. Nothing changes yet.',
  })
  @ApiAcceptedResponse({ type: MessageResponse })
  @ApiProblems('validation_failed')
  async request(@Body() { email }: ResetRequest, @Client() client: ClientInfo): Promise<MessageResponse> {
    await this.passwordReset.request(email, client);
    return { message: 'If there is an account with this address, a letter is on its way' };
  }

  @Post('reset-confirm')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Set a new password by the mailed token',
    description: 'Ends every session and logs nobody in.',
  })
  @ApiOkResponse({ type: MessageResponse })
  @ApiProblems('validation_failed', 'link_invalid', 'link_expired', 'overloaded')
  async confirm(
    @Body() { token, password }: ResetConfirmRequest,
    @Client() client: ClientInfo,
  ): Promise<MessageResponse> {
    await this.passwordReset.confirm(token, password, client);
    return { message: 'The new password is set. Log in with it' };
  }
}
