import { Controller, Get } from '@nestjs/common';
import { ApiBearerAuth, ApiCookieAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../../common/access/current-user.decorator';
import type { Principal } from '../../common/access/principal';
import { ApiProblems } from '../../common/errors/api-problems.decorator';
import { CsrfTokens } from './csrf-tokens';
import { CsrfResponse } from './dto/csrf.response';

@ApiTags('Sessions')
@Controller('api/auth/csrf')
export class CsrfController {
  constructor(private readonly csrfTokens: CsrfTokens) {}

  @Get()
  @ApiBearerAuth()
  @ApiCookieAuth()
  @ApiOperation({
    summary: 'The CSRF token of the session',
    description: 'Unsafe methods of a cookie session send it as `X-CSRF-Token`.',
  })
  @ApiOkResponse({ type: CsrfResponse })
  @ApiProblems()
  read(@CurrentUser() { sessionId }: Principal): CsrfResponse {
    return { csrfToken: this.csrfTokens.issue(sessionId) };
  }
}
