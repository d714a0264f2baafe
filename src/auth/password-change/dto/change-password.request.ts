import { ApiProperty } from '@nestjs/swagger';
import { IsString, MaxLength } from 'class-validator';

export class ChangePasswordRequest {
  @ApiProperty({ format: 'password', example: 'correct horse 7 battery!' })
  @MaxLength(1024)
  @IsString()
  currentPassword: string;

  @ApiProperty({
    format: 'password',
    description: 'See the password rules',
    example: 'correct horse 8 battery!',
  })
  @IsString()
  newPassword: string;
}
