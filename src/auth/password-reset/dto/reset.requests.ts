import { ApiProperty } from '@nestjs/swagger';
import { IsString } from 'class-validator';
import { IsEmailAddress } from '../../../common/validation/email-address';
import { LinkTokenRequest } from '../../tokens/dto/link-token.request';

export class ResetRequest {
  @ApiProperty({ format: 'email', example: 'ada@example.org' })
  @IsEmailAddress()
  email: string;
}

export class ResetConfirmRequest extends LinkTokenRequest {
  @ApiProperty({
    format: 'password',
    description: 'See the password rules',
    example: 'correct horse 8 battery!',
  })
  @IsString()
  password: string;
}
