import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsInt, IsString, Max, Min } from 'class-validator';
import { MaxCharacters } from '../../../common/validation/max-characters';
import { MayBeMissing } from '../../../common/validation/may-be-missing';

export class ListActivityRequest {
  @ApiProperty({ required: false, type: 'integer', minimum: 1, maximum: 100, default: 50 })
  @Max(100, { message: 'must be at most 100' })
  @Min(1, { message: 'must be at least 1' })
  @IsInt({ message: 'must be a whole number' })
  @Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && /^\d{1,4}$/.test(value) ? Number(value) : value,
  )
  limit: number = 50;

  @ApiProperty({
    required: false,
    maxLength: 64,
    description: '`nextCursor` of the page before',
    example: 'AZpcHnwbemOxpG1vCi-cEQGaXB58Gw',
  })
  @MayBeMissing()
  @MaxCharacters(64)
  @IsString()
  cursor?: string;
}
