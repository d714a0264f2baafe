import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Public } from '../common/access/public.decorator';
import { PROJECT } from '../common/project';
import { StatusResponse } from './dto/health.response';

@Public()
@ApiTags('Operations')
@Controller('api/status')
export class StatusController {
  @Get()
  @ApiOperation({ summary: 'What runs here' })
  @ApiOkResponse({ type: StatusResponse })
  status(): StatusResponse {
    return {
      name: PROJECT.name,
      version: PROJECT.version,
      uptime: Math.floor(process.uptime()),
      node: process.version,
    };
  }
}
