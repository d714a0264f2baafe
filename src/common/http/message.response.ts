import { ApiProperty } from '@nestjs/swagger';

export class MessageResponse {
  @ApiProperty({ description: 'For a person; may change', example: 'Done' })
  message: string;
}
