import { ApiProperty } from '@nestjs/swagger';
import { IsString, ValidateIf } from 'class-validator';
import { IsCleanText } from '../../../common/validation/clean-text';
import { MaxCharacters } from '../../../common/validation/max-characters';

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
  @MaxCharacters(100)
  @IsString()
  name: string | null;
}
