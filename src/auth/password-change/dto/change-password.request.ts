import { ApiProperty } from '@nestjs/swagger';
import { IsString } from 'class-validator';
import { MaxCharacters } from '../../../common/validation/max-characters';

export class ChangePasswordRequest {
  @ApiProperty({ format: 'password', maxLength: 1024, example: 'correct horse 7 battery!' })
  @MaxCharacters(1024)
  @IsString()
  currentPassword: string;

  @ApiProperty({
    format: 'password',
    maxLength: 1024,
    description: 'See the password rules',
    example: 'correct horse 8 battery!',
  })
  @MaxCharacters(1024)
  @IsString()
  newPassword: string;
}
