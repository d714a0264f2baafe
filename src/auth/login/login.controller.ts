import { Controller, HttpCode, Post, Req, Res, UseGuards } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiCookieAuth,
  ApiExtraModels,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Budget } from '../../common/access/budget.decorator';
import { CurrentUser } from '../../common/access/current-user.decorator';
import { Expensive } from '../../common/access/expensive.decorator';
import type { Principal } from '../../common/access/principal';
import { Public } from '../../common/access/public.decorator';
import { ApiProblems } from '../../common/errors/api-problems.decorator';
import { Client, type ClientInfo } from '../../common/http/client-info';
import { MessageResponse } from '../../common/http/message.response';
import { DeviceCookie } from '../back-off/device-cookie';
import { SessionCookie } from '../cookies/session-cookie';
import { LocalAuthGuard } from '../guards/local-auth.guard';
import { AuthenticatedLogin } from './authenticated-login.decorator';
import type { Authenticated } from './credentials.service';
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
    private readonly device: DeviceCookie,
  ) {}

  @Public()
  @Expensive('always')
  @UseGuards(LocalAuthGuard)
  @Budget('login')
  @Post('login')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Log in',
    description:
      'Opens a session. `transport` chooses how it is carried: tokens in the body, or a cookie. After 5 wrong passwords ' +
      'further attempts are held back: they are answered like a wrong password, with `Retry-After`.',
  })
  @ApiBody({ type: LoginRequest })
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
    @AuthenticatedLogin() authenticated: Authenticated,
    @Client() client: ClientInfo,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokensResponse | CookieSessionResponse> {
    const { id } = authenticated.user;
    // Not by `@Body()`: the guard has validated it, and the pipe would once more.
    const { transport } = request.body as LoginRequest;
    if (transport !== 'cookie') {
      const login = await this.loginService.loginWithTokens(authenticated, client);
      this.device.remember(id, request, reply);
      return TokensResponse.from(login);
    }
    const login = await this.loginService.loginWithCookie(authenticated, client);
    this.cookie.set(reply, login.cookie, login.expiresAt);
    this.device.remember(id, request, reply);
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
