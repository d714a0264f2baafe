import { Readable } from 'node:stream';
import { Controller, Get, Header, StreamableFile } from '@nestjs/common';
import { ApiBearerAuth, ApiCookieAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Budget } from '../../common/access/budget.decorator';
import { CurrentUser } from '../../common/access/current-user.decorator';
import type { Principal } from '../../common/access/principal';
import { RecentLogin } from '../../common/access/recent-login.decorator';
import { ApiProblems } from '../../common/errors/api-problems.decorator';
import { Client, type ClientInfo } from '../../common/http/client-info';
import { ExportService } from './export.service';

const object = { type: 'object', additionalProperties: true } as const;
const list = { type: 'array', items: object } as const;

@ApiTags('Account')
@ApiBearerAuth()
@ApiCookieAuth()
@Controller('api/auth/export')
export class ExportController {
  constructor(private readonly exportService: ExportService) {}

  @RecentLogin()
  @Budget('export')
  @Get()
  @Header('Content-Disposition', 'attachment; filename="gatehouse-export.json"')
  @ApiOperation({
    summary: 'All that is stored about oneself',
    description: 'Needs a login within 5 minutes.',
  })
  @ApiOkResponse({
    schema: {
      type: 'object',
      required: ['exportedAt', 'account', 'sessions', 'securityNotices', 'tasks', 'securityEvents'],
      properties: {
        exportedAt: { type: 'string', format: 'date-time' },
        account: object,
        sessions: list,
        securityNotices: list,
        tasks: list,
        securityEvents: list,
      },
    },
  })
  @ApiProblems('recent_login_required', 'not_found')
  async export(@CurrentUser() principal: Principal, @Client() client: ClientInfo): Promise<StreamableFile> {
    const document = await this.exportService.export(principal, client);
    return new StreamableFile(Readable.from(document, { objectMode: false }), {
      type: 'application/json; charset=utf-8',
    });
  }
}
