import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Budget } from '../../common/access/budget.decorator';
import { Public } from '../../common/access/public.decorator';
import { ApiProblems } from '../../common/errors/api-problems.decorator';
import { Client, type ClientInfo } from '../../common/http/client-info';
import { TokensResponse } from '../login/dto/tokens.response';
import { RefreshRequest } from './dto/refresh.request';
import { RefreshService } from './refresh.service';

@Public()
@ApiTags('Sessions')
@Controller('api/auth/refresh')
export class RefreshController {
  constructor(private readonly refreshService: RefreshService) {}

  @Budget('refresh')
  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Trade a refresh token for new tokens',
    description:
      'The answer brings the next refresh token. An old one presented again ends the session, unless its answer was ' +
      'lost or the repetition comes within 10 seconds: then the same successor is given again.',
  })
  @ApiOkResponse({ type: TokensResponse })
  @ApiProblems('validation_failed', 'token_invalid', 'token_expired', 'refresh_token_reused')
  async refresh(
    @Body() { refresh_token: token }: RefreshRequest,
    @Client() client: ClientInfo,
  ): Promise<TokensResponse> {
    return TokensResponse.from(await this.refreshService.refresh(token, client));
  }
}
