import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { IsEmailAddress } from '../../../common/validation/email-address';

export class LoginRequest {
  @ApiProperty({ format: 'email', example: 'ada@example.org' })
  @IsEmailAddress()
  email: string;

  @ApiProperty({ format: 'password', maxLength: 1024, example: 'correct horse 7 battery!' })
  @MaxLength(1024)
  @IsString()
  password: string;

  @ApiProperty({
    enum: ['bearer', 'cookie'],
    default: 'bearer',
    required: false,
    description: 'How the client carries the session',
  })
  @IsOptional()
  @IsIn(['bearer', 'cookie'])
  transport?: 'bearer' | 'cookie';
}
