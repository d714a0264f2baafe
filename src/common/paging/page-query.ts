import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsInt, IsString, Max, Min } from 'class-validator';
import { MaxCharacters } from '../validation/max-characters';
import { MayBeMissing } from '../validation/may-be-missing';

const MAX_LIMIT = 100;

/** How many items a page has, from the query: 1 to 100. The property's initial value is the default. */
export function PageLimit(defaultLimit: number): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ required: false, type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: defaultLimit }),
    // The first that fails is told: applied from here downwards.
    Transform(({ value }: { value: unknown }) =>
      typeof value === 'string' && /^\d{1,4}$/.test(value) ? Number(value) : value,
    ),
    IsInt({ message: 'must be a whole number' }),
    Min(1, { message: 'must be at least 1' }),
    Max(MAX_LIMIT, { message: `must be at most ${MAX_LIMIT}` }),
  );
}

/** Where a page begins, from the query. */
export function PageCursor(example: string): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ required: false, maxLength: 64, description: '`nextCursor` of the page before', example }),
    IsString(),
    MaxCharacters(64),
    MayBeMissing(),
  );
}
