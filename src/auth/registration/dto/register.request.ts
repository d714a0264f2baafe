import { ApiProperty } from '@nestjs/swagger';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import { IsCleanText } from '../../../common/validation/clean-text';
import { IsEmailAddress } from '../../../common/validation/email-address';

export class RegisterRequest {
  @ApiProperty({ format: 'email', maxLength: 254, example: 'ada@example.org' })
  @IsEmailAddress()
  email: string;

  @ApiProperty({
    format: 'password',
    description: 'See the password rules',
    example: 'correct horse 7 battery!',
  })
  @IsString()
  password: string;

  @ApiProperty({ type: String, required: false, nullable: true, maxLength: 100, example: 'Ada Lovelace' })
  @IsOptional()
  @IsCleanText()
  @MaxLength(100)
  @IsString()
  name?: string | null;
}
