import { Controller, Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Public } from '../../common/access/public.decorator';
import { SigningKeys } from '../tokens/signing-keys';
import { JwksResponse } from './dto/jwks.response';

@Public()
@ApiTags('Sessions')
@Controller('.well-known/jwks.json')
export class KeysController {
  constructor(private readonly keys: SigningKeys) {}

  @Get()
  @Header('Cache-Control', 'public, max-age=300')
  @ApiOperation({
    summary: 'Public keys of access tokens (RFC 7517)',
    description:
      'Empty under HS256. A new key should be here 5 minutes before it signs: list it last, then first.',
  })
  @ApiOkResponse({ type: JwksResponse })
  read(): JwksResponse {
    return { keys: this.keys.published };
  }
}
