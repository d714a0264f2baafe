import { ApiProperty } from '@nestjs/swagger';
import { IsString, MaxLength } from 'class-validator';

export class LinkTokenRequest {
  @ApiProperty({
    description: 'The token of the mailed link',
    example: 'kMZ3vWkWvhq4mYwq0mW5mYxg0x8hB0rYv1zq2m3n4o5',
  })
  @MaxLength(256)
  @IsString()
  token: string;
}
