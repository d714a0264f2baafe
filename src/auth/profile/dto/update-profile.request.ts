import { ApiProperty } from '@nestjs/swagger';
import { IsString, MaxLength, ValidateIf } from 'class-validator';
import { IsCleanText } from '../../../common/validation/clean-text';

export class UpdateProfileRequest {
  @ApiProperty({
    type: String,
    nullable: true,
    maxLength: 100,
    example: 'Ada Lovelace',
    description: 'null removes it',
  })
  @ValidateIf(({ name }: UpdateProfileRequest) => name !== null)
  @IsCleanText()
  @MaxLength(100)
  @IsString()
  name: string | null;
}
