import { ApiProperty } from '@nestjs/swagger';
import { IsString } from 'class-validator';
import { IsEmailAddress } from '../../../common/validation/email-address';
import { MaxCharacters } from '../../../common/validation/max-characters';

export class ChangeEmailRequest {
  @ApiProperty({ format: 'email', maxLength: 254, example: 'ada@example.net' })
  @IsEmailAddress()
  email: string;

  @ApiProperty({ format: 'password', maxLength: 1024, example: 'correct horse 7 battery!' })
  @MaxCharacters(1024)
  @IsString()
  password: string;
}
