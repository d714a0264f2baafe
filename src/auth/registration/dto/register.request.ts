import { ApiProperty } from '@nestjs/swagger';
import { IsOptional, IsString } from 'class-validator';
import { IsCleanText } from '../../../common/validation/clean-text';
import { IsEmailAddress } from '../../../common/validation/email-address';
import { MaxCharacters } from '../../../common/validation/max-characters';

export class RegisterRequest {
  @ApiProperty({ format: 'email', maxLength: 254, example: 'ada@example.org' })
  @IsEmailAddress()
  email: string;

  @ApiProperty({
    format: 'password',
    maxLength: 1024,
    description: 'See the password rules',
    example: 'correct horse 7 battery!',
  })
  @MaxCharacters(1024)
  @IsString()
  password: string;

  @ApiProperty({ type: String, required: false, nullable: true, maxLength: 100, example: 'Ada Lovelace' })
  @IsOptional()
  @IsCleanText()
  @MaxCharacters(100)
  @IsString()
  name?: string | null;
}
