import { ApiProperty } from '@nestjs/swagger';
import { IsEmailAddress } from '../../../common/validation/email-address';

export class ResendRequest {
  @ApiProperty({ format: 'email', maxLength: 254, example: 'ada@example.org' })
  @IsEmailAddress()
  email: string;
}
