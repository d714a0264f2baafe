import { Body, Controller, Get, Head, HttpCode, Param, Post } from '@nestjs/common';
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
import { Public } from '../../common/access/public.decorator';
import { ApiProblems } from '../../common/errors/api-problems.decorator';
import { Client, type ClientInfo } from '../../common/http/client-info';
import { MessageResponse } from '../../common/http/message.response';
import { Config } from '../../config/config';
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
    private readonly config: Config,
  ) {}

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
  ): Promise<RegistrationResponse | TokensResponse> {
    return this.config.accounts.isVerificationRequired
      ? RegistrationResponse.from(await this.registration.register(account, client))
      : TokensResponse.from(await this.registration.registerVerified(account, client));
  }

  /** Link checkers ask with HEAD before a person clicks. Without this, HEAD would do what GET does. */
  @Head('verify/:token')
  @HttpCode(204)
  @ApiExcludeEndpoint()
  checkLink(): void {}

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
  ): Promise<VerificationResponse> {
    return VerificationResponse.from(await this.verification.verify(token, client));
  }

  @Post('verify')
  @HttpCode(200)
  @ApiOperation({ summary: 'Verify an address', description: 'What the page behind the mailed link calls.' })
  @ApiOkResponse({ type: VerificationResponse })
  @ApiProblems('validation_failed', 'link_invalid', 'link_expired')
  async verify(
    @Body() { token }: LinkTokenRequest,
    @Client() client: ClientInfo,
  ): Promise<VerificationResponse> {
    return VerificationResponse.from(await this.verification.verify(token, client));
  }

  @Post('verify/resend')
  @HttpCode(202)
  @ApiOperation({ summary: 'Mail the verification link again', description: 'The same answer whoever asks.' })
  @ApiAcceptedResponse({ type: MessageResponse })
  @ApiProblems('validation_failed')
  async resend(@Body() { email }: ResendRequest): Promise<MessageResponse> {
    await this.verification.resend(email);
    return { message: 'If the address waits for verification, a letter is on its way' };
  }
}
