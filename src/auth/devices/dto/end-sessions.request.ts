import { ApiProperty } from '@nestjs/swagger';
import { IsBoolean, IsOptional, IsString, MaxLength } from 'class-validator';

export class EndSessionRequest {
  @ApiProperty({
    required: false,
    format: 'password',
    description: 'Where the login is more than 5 minutes ago',
  })
  @IsOptional()
  @MaxLength(1024)
  @IsString()
  password?: string;
}

export class EndSessionsRequest extends EndSessionRequest {
  @ApiProperty({ required: false, default: false, description: 'Whether this session goes on' })
  @IsOptional()
  @IsBoolean()
  exceptCurrent?: boolean;
}
