import { Body, Controller, Get, Head, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiCreatedResponse,
  ApiExcludeEndpoint,
  ApiExtraModels,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Budget } from '../../common/access/budget.decorator';
import { Expensive } from '../../common/access/expensive.decorator';
import { Public } from '../../common/access/public.decorator';
import { ApiProblems } from '../../common/errors/api-problems.decorator';
import { Client, type ClientInfo } from '../../common/http/client-info';
import { MessageResponse } from '../../common/http/message.response';
import { Config } from '../../config/config';
import { DeviceCookie } from '../back-off/device-cookie';
import { TokensResponse } from '../login/dto/tokens.response';
import { RegisterRequest } from './dto/register.request';
import { RegistrationResponse, VerificationResponse } from './dto/registration.responses';
import { ResendRequest } from './dto/resend.request';
import { LinkTokenRequest } from '../tokens/dto/link-token.request';
import { RegistrationService } from './registration.service';
import { VerificationService } from './verification.service';

@Public()
@ApiTags('Registration')
@Controller('api/auth')
export class RegistrationController {
  constructor(
    private readonly registration: RegistrationService,
    private readonly verification: VerificationService,
    private readonly device: DeviceCookie,
    private readonly config: Config,
  ) {}

  @Expensive('always')
  @Budget('register')
  @Post('register')
  @ApiOperation({
    summary: 'Register',
    description:
      'Creates an account and mails a link that verifies its address. Under `EMAIL_VERIFICATION=off` it answers with ' +
      'the tokens of a first session instead. A retry after a lost answer is safe: it answers 409.',
  })
  @ApiExtraModels(RegistrationResponse, TokensResponse)
  @ApiCreatedResponse({
    schema: {
      oneOf: [{ $ref: getSchemaPath(RegistrationResponse) }, { $ref: getSchemaPath(TokensResponse) }],
    },
  })
  @ApiProblems('validation_failed', 'email_taken', 'overloaded')
  async register(
    @Body() account: RegisterRequest,
    @Client() client: ClientInfo,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RegistrationResponse | TokensResponse> {
    if (this.config.accounts.isVerificationRequired)
      return RegistrationResponse.from(await this.registration.register(account, client));
    const login = await this.registration.registerVerified(account, client);
    this.device.remember(login.user.id, request, reply);
    return TokensResponse.from(login);
  }

  /** Link checkers ask with HEAD before a person clicks. Without this, HEAD would do what GET does. */
  @Head('verify/:token')
  @HttpCode(204)
  @ApiExcludeEndpoint()
  checkLink(): void {}

  @Budget('verify')
  @Get('verify/:token')
  @ApiOperation({
    summary: 'Verify an address by its link',
    description: 'Safe to repeat with the same token.',
  })
  @ApiParam({ name: 'token', description: 'The token of the mailed link' })
  @ApiOkResponse({ type: VerificationResponse })
  @ApiProblems('link_invalid', 'link_expired')
  async verifyByLink(
    @Param('token') token: string,
    @Client() client: ClientInfo,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<VerificationResponse> {
    return this.prove(token, client, request, reply);
  }

  @Budget('verify')
  @Post('verify')
  @HttpCode(200)
  @ApiOperation({ summary: 'Verify an address', description: 'What the page behind the mailed link calls.' })
  @ApiOkResponse({ type: VerificationResponse })
  @ApiProblems('validation_failed', 'link_invalid', 'link_expired')
  async verify(
    @Body() { token }: LinkTokenRequest,
    @Client() client: ClientInfo,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<VerificationResponse> {
    return this.prove(token, client, request, reply);
  }

  @Budget('resend')
  @Post('verify/resend')
  @HttpCode(202)
  @ApiOperation({ summary: 'Mail the verification link again', description: 'The same answer whoever asks.' })
  @ApiAcceptedResponse({ type: MessageResponse })
  @ApiProblems('validation_failed')
  async resend(@Body() { email }: ResendRequest): Promise<MessageResponse> {
    await this.verification.resend(email);
    return { message: 'If the address waits for verification, a letter is on its way' };
  }

  /** The browser is known from now on, but a link that is used again makes no further one known. */
  private async prove(
    token: string,
    client: ClientInfo,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<VerificationResponse> {
    const { user, isFirst } = await this.verification.verify(token, client);
    if (isFirst) this.device.remember(user.id, request, reply);
    return VerificationResponse.from(user);
  }
}
