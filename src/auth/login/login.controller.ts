import { Body, Controller, HttpCode, Post, Res, UseGuards } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCookieAuth,
  ApiExtraModels,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CurrentUser } from '../../common/access/current-user.decorator';
import type { Principal } from '../../common/access/principal';
import { Public } from '../../common/access/public.decorator';
import { ApiProblems } from '../../common/errors/api-problems.decorator';
import { Client, type ClientInfo } from '../../common/http/client-info';
import { MessageResponse } from '../../common/http/message.response';
import type { User } from '../../users/user.entity';
import { SessionCookie } from '../cookies/session-cookie';
import { LocalAuthGuard } from '../guards/local-auth.guard';
import { AuthenticatedUser } from './authenticated-user.decorator';
import { CookieSessionResponse } from './dto/cookie-session.response';
import { LoginRequest } from './dto/login.request';
import { TokensResponse } from './dto/tokens.response';
import { LoginService } from './login.service';

@ApiTags('Sessions')
@Controller('api/auth')
export class LoginController {
  constructor(
    private readonly loginService: LoginService,
    private readonly cookie: SessionCookie,
  ) {}

  @Public()
  @UseGuards(LocalAuthGuard)
  @Post('login')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Log in',
    description: 'Opens a session. `transport` chooses how it is carried: tokens in the body, or a cookie.',
  })
  @ApiExtraModels(TokensResponse, CookieSessionResponse)
  @ApiOkResponse({
    schema: {
      oneOf: [{ $ref: getSchemaPath(TokensResponse) }, { $ref: getSchemaPath(CookieSessionResponse) }],
    },
  })
  @ApiProblems(
    'validation_failed',
    'invalid_credentials',
    'email_not_verified',
    'account_disabled',
    'overloaded',
  )
  async login(
    @AuthenticatedUser() user: User,
    @Body() { transport }: LoginRequest,
    @Client() client: ClientInfo,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokensResponse | CookieSessionResponse> {
    if (transport !== 'cookie')
      return TokensResponse.from(await this.loginService.loginWithTokens(user, client));
    const login = await this.loginService.loginWithCookie(user, client);
    this.cookie.set(reply, login.cookie, login.expiresAt);
    return CookieSessionResponse.from(login);
  }

  @Post('logout')
  @HttpCode(200)
  @ApiBearerAuth()
  @ApiCookieAuth()
  @ApiOperation({
    summary: 'Log out',
    description: 'Ends the session; its credentials are refused on their next use.',
  })
  @ApiOkResponse({ type: MessageResponse })
  @ApiProblems()
  async logout(
    @CurrentUser() principal: Principal,
    @Client() client: ClientInfo,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<MessageResponse> {
    await this.loginService.logout(principal, client);
    if (principal.transport === 'cookie') this.cookie.clear(reply);
    return { message: 'You are logged out' };
  }
}
