import { ApiProperty } from '@nestjs/swagger';
import { IsString } from 'class-validator';
import { MaxCharacters } from '../../../common/validation/max-characters';

export class LinkTokenRequest {
  @ApiProperty({
    maxLength: 256,
    description: 'The token of the mailed link',
    example: 'kMZ3vWkWvhq4mYwq0mW5mYxg0x8hB0rYv1zq2m3n4o5',
  })
  @MaxCharacters(256)
  @IsString()
  token: string;
}
