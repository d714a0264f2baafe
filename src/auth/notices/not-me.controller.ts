import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Budget } from '../../common/access/budget.decorator';
import { Public } from '../../common/access/public.decorator';
import { ApiProblems } from '../../common/errors/api-problems.decorator';
import { Client, type ClientInfo } from '../../common/http/client-info';
import { MessageResponse } from '../../common/http/message.response';
import { LinkTokenRequest } from '../tokens/dto/link-token.request';
import { NotMeService } from './not-me.service';

@Public()
@ApiTags('Recovery')
@Controller('api/auth/not-me')
export class NotMeController {
  constructor(private readonly notMe: NotMeService) {}

  @Budget('verify')
  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: '"This was not me"',
    description:
      'With the token of a security letter: ends every session, stops or takes back a change of address, and mails a ' +
      'link for a new password. Safe to repeat.',
  })
  @ApiOkResponse({ type: MessageResponse })
  @ApiProblems('validation_failed', 'link_invalid', 'link_expired')
  async report(@Body() { token }: LinkTokenRequest, @Client() client: ClientInfo): Promise<MessageResponse> {
    await this.notMe.report(token, client);
    return { message: 'Every session has ended, and a link for a new password is on its way' };
  }
}
