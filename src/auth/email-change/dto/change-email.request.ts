import { ApiProperty } from '@nestjs/swagger';
import { IsString, MaxLength } from 'class-validator';
import { IsEmailAddress } from '../../../common/validation/email-address';

export class ChangeEmailRequest {
  @ApiProperty({ format: 'email', maxLength: 254, example: 'ada@example.net' })
  @IsEmailAddress()
  email: string;

  @ApiProperty({ format: 'password', example: 'correct horse 7 battery!' })
  @MaxLength(1024)
  @IsString()
  password: string;
}
