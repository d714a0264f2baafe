import { ApiProperty } from '@nestjs/swagger';
import { IsBoolean, IsString } from 'class-validator';
import { MaxCharacters } from '../../../common/validation/max-characters';
import { MayBeMissing } from '../../../common/validation/may-be-missing';

export class EndSessionRequest {
  @ApiProperty({
    required: false,
    format: 'password',
    maxLength: 1024,
    description: 'Where the login is more than 5 minutes ago',
  })
  @MayBeMissing()
  @MaxCharacters(1024)
  @IsString()
  password?: string;
}

export class EndSessionsRequest extends EndSessionRequest {
  @ApiProperty({ required: false, default: false, description: 'Whether this session goes on' })
  @MayBeMissing()
  @IsBoolean()
  exceptCurrent?: boolean;
}
