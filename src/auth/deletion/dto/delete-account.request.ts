import { ApiProperty } from '@nestjs/swagger';
import { IsString, MaxLength } from 'class-validator';

export class DeleteAccountRequest {
  @ApiProperty({ format: 'password', example: 'correct horse 7 battery!' })
  @MaxLength(1024)
  @IsString()
  password: string;
}
