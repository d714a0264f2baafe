import { ApiProperty } from '@nestjs/swagger';
import { IsString, MaxLength } from 'class-validator';

export class RefreshRequest {
  @ApiProperty({ example: 'ghr_AZpcHnwbemOxpG1vCi-cEQAAAAA…' })
  @MaxLength(512)
  @IsString()
  refresh_token: string;
}
