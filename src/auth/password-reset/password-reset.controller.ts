import { Body, Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Budget } from '../../common/access/budget.decorator';
import { Expensive } from '../../common/access/expensive.decorator';
import { Public } from '../../common/access/public.decorator';
import { ApiProblems } from '../../common/errors/api-problems.decorator';
import { Client, type ClientInfo } from '../../common/http/client-info';
import { MessageResponse } from '../../common/http/message.response';
import { DeviceCookie } from '../back-off/device-cookie';
import { ResetConfirmRequest, ResetRequest } from './dto/reset.requests';
import { PasswordResetService } from './password-reset.service';

@Public()
@ApiTags('Recovery')
@Controller('api/auth')
export class PasswordResetController {
  constructor(
    private readonly passwordReset: PasswordResetService,
    private readonly device: DeviceCookie,
  ) {}

  @Budget('reset')
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

  @Expensive('always')
  @Budget('verify')
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
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<MessageResponse> {
    this.device.remember(await this.passwordReset.confirm(token, password, client), request, reply);
    return { message: 'The new password is set. Log in with it' };
  }
}
