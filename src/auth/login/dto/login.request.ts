import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsString } from 'class-validator';
import { IsEmailAddress } from '../../../common/validation/email-address';
import { MaxCharacters } from '../../../common/validation/max-characters';
import { MayBeMissing } from '../../../common/validation/may-be-missing';

export class LoginRequest {
  @ApiProperty({ format: 'email', maxLength: 254, example: 'ada@example.org' })
  @IsEmailAddress()
  email: string;

  @ApiProperty({ format: 'password', maxLength: 1024, example: 'correct horse 7 battery!' })
  @MaxCharacters(1024)
  @IsString()
  password: string;

  @ApiProperty({
    enum: ['bearer', 'cookie'],
    default: 'bearer',
    required: false,
    description: 'How the client carries the session',
  })
  @MayBeMissing()
  @IsIn(['bearer', 'cookie'])
  transport?: 'bearer' | 'cookie';
}
