import { Body, Controller, Delete, HttpCode, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiCookieAuth, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Budget } from '../../common/access/budget.decorator';
import { CurrentUser } from '../../common/access/current-user.decorator';
import { Expensive } from '../../common/access/expensive.decorator';
import type { Principal } from '../../common/access/principal';
import { ApiProblems } from '../../common/errors/api-problems.decorator';
import { Client, type ClientInfo } from '../../common/http/client-info';
import { SessionCookie } from '../cookies/session-cookie';
import { DeletionService } from './deletion.service';
import { DeleteAccountRequest } from './dto/delete-account.request';

@ApiTags('Account')
@ApiBearerAuth()
@ApiCookieAuth()
@Controller('api/auth/profile')
export class DeletionController {
  constructor(
    private readonly deletion: DeletionService,
    private readonly cookie: SessionCookie,
  ) {}

  @Expensive('always')
  @Budget('change-password')
  @Delete()
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete the own account',
    description: 'Everything of it is gone, at once and for good.',
  })
  @ApiNoContentResponse()
  @ApiProblems('validation_failed', 'password_incorrect', 'overloaded')
  async delete(
    @CurrentUser() principal: Principal,
    @Body() { password }: DeleteAccountRequest,
    @Client() client: ClientInfo,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.deletion.delete(principal, password, client);
    if (principal.transport === 'cookie') this.cookie.clear(reply);
  }
}
