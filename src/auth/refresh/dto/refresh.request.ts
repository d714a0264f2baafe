import { ApiProperty } from '@nestjs/swagger';
import { IsString } from 'class-validator';
import { MaxCharacters } from '../../../common/validation/max-characters';

export class RefreshRequest {
  @ApiProperty({ maxLength: 512, example: 'ghr_AZpcHnwbemOxpG1vCi-cEQAAAAA…' })
  @MaxCharacters(512)
  @IsString()
  refresh_token: string;
}
