import { Body, Controller, Delete, Get, HttpCode, Param, ParseUUIDPipe, Post, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiCookieAuth,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Budget } from '../../common/access/budget.decorator';
import { CurrentUser } from '../../common/access/current-user.decorator';
import { Expensive } from '../../common/access/expensive.decorator';
import type { Principal } from '../../common/access/principal';
import { RecentLogin } from '../../common/access/recent-login.decorator';
import { ApiProblems } from '../../common/errors/api-problems.decorator';
import { AppError } from '../../common/errors/app-error';
import { Client, type ClientInfo } from '../../common/http/client-info';
import { SessionCookie } from '../cookies/session-cookie';
import { DevicesService } from './devices.service';
import { DeviceResponse, RevokedResponse } from './dto/device.response';
import { EndSessionRequest, EndSessionsRequest } from './dto/end-sessions.request';

/** Anything that is no UUID names no session, so it is the same 404 as one that is not there. */
const sessionId = new ParseUUIDPipe({ exceptionFactory: () => new AppError('not_found') });

@ApiTags('Sessions')
@ApiBearerAuth()
@ApiCookieAuth()
@Controller('api/auth')
export class DevicesController {
  constructor(
    private readonly devices: DevicesService,
    private readonly cookie: SessionCookie,
  ) {}

  @Get('sessions')
  @ApiOperation({ summary: 'Where one is logged in' })
  @ApiOkResponse({ type: [DeviceResponse] })
  @ApiProblems()
  async list(@CurrentUser() principal: Principal): Promise<DeviceResponse[]> {
    const sessions = await this.devices.list(principal);
    return sessions.map((session) => DeviceResponse.from(session, principal.sessionId));
  }

  @Expensive('sometimes')
  @RecentLogin()
  @Budget('change-password')
  @Delete('sessions/:id')
  @HttpCode(204)
  @ApiOperation({ summary: 'End a session', description: 'Needs a login within 5 minutes, or the password.' })
  @ApiBody({ type: EndSessionRequest, required: false })
  @ApiNoContentResponse()
  @ApiProblems('validation_failed', 'recent_login_required', 'password_incorrect', 'not_found', 'overloaded')
  async end(
    @CurrentUser() principal: Principal,
    @Param('id', sessionId) id: string,
    @Body() _body: EndSessionRequest,
    @Client() client: ClientInfo,
  ): Promise<void> {
    await this.devices.end(principal, id, client);
  }

  @Expensive('sometimes')
  @RecentLogin()
  @Budget('change-password')
  @Post('logout-all')
  @HttpCode(200)
  @ApiOperation({
    summary: 'End all sessions',
    description: 'Needs a login within 5 minutes, or the password.',
  })
  @ApiBody({ type: EndSessionsRequest, required: false })
  @ApiOkResponse({ type: RevokedResponse })
  @ApiProblems('validation_failed', 'recent_login_required', 'password_incorrect', 'overloaded')
  async endAll(
    @CurrentUser() principal: Principal,
    @Body() { exceptCurrent }: EndSessionsRequest,
    @Client() client: ClientInfo,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RevokedResponse> {
    if (exceptCurrent) return { revoked: await this.devices.endOthers(principal, client) };
    const revoked = await this.devices.endAll(principal, client);
    if (principal.transport === 'cookie') this.cookie.clear(reply);
    return { revoked };
  }
}
