import { ApiProperty } from '@nestjs/swagger';
import { IsString } from 'class-validator';
import { MaxCharacters } from '../../../common/validation/max-characters';

export class DeleteAccountRequest {
  @ApiProperty({ format: 'password', maxLength: 1024, example: 'correct horse 7 battery!' })
  @MaxCharacters(1024)
  @IsString()
  password: string;
}
