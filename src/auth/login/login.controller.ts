import { Body, Controller, HttpCode, Post, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../../common/access/current-user.decorator';
import type { Principal } from '../../common/access/principal';
import { Public } from '../../common/access/public.decorator';
import { ApiProblems } from '../../common/errors/api-problems.decorator';
import { Client, type ClientInfo } from '../../common/http/client-info';
import { MessageResponse } from '../../common/http/message.response';
import type { User } from '../../users/user.entity';
import { LocalAuthGuard } from '../guards/local-auth.guard';
import { AuthenticatedUser } from './authenticated-user.decorator';
import { LoginRequest } from './dto/login.request';
import { TokensResponse } from './dto/tokens.response';
import { LoginService } from './login.service';

@ApiTags('Sessions')
@Controller('api/auth')
export class LoginController {
  constructor(private readonly loginService: LoginService) {}

  @Public()
  @UseGuards(LocalAuthGuard)
  @Post('login')
  @HttpCode(200)
  @ApiOperation({ summary: 'Log in', description: 'Opens a session and answers with its tokens.' })
  @ApiOkResponse({ type: TokensResponse })
  @ApiProblems(
    'validation_failed',
    'invalid_credentials',
    'email_not_verified',
    'account_disabled',
    'overloaded',
  )
  async login(
    @AuthenticatedUser() user: User,
    @Body() _credentials: LoginRequest,
    @Client() client: ClientInfo,
  ): Promise<TokensResponse> {
    return TokensResponse.from(await this.loginService.login(user, client));
  }

  @Post('logout')
  @HttpCode(200)
  @ApiBearerAuth()
  @ApiOperation({
    summary: 'Log out',
    description: 'Ends the session; its access token is refused on its next use.',
  })
  @ApiOkResponse({ type: MessageResponse })
  @ApiProblems('unauthenticated', 'token_invalid', 'token_expired', 'session_revoked')
  async logout(@CurrentUser() principal: Principal, @Client() client: ClientInfo): Promise<MessageResponse> {
    await this.loginService.logout(principal, client);
    return { message: 'You are logged out' };
  }
}
