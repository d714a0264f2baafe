import { ApiProperty } from '@nestjs/swagger';
import { IsString } from 'class-validator';
import { IsEmailAddress } from '../../../common/validation/email-address';
import { MaxCharacters } from '../../../common/validation/max-characters';
import { LinkTokenRequest } from '../../tokens/dto/link-token.request';

export class ResetRequest {
  @ApiProperty({ format: 'email', maxLength: 254, example: 'ada@example.org' })
  @IsEmailAddress()
  email: string;
}

export class ResetConfirmRequest extends LinkTokenRequest {
  @ApiProperty({
    format: 'password',
    maxLength: 1024,
    description: 'See the password rules',
    example: 'correct horse 8 battery!',
  })
  @MaxCharacters(1024)
  @IsString()
  password: string;
}
