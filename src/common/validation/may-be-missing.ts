import { ValidateIf } from 'class-validator';

/** A field that may be left out. Unlike class-validator's `IsOptional` it takes no null, which the documents do not promise. */
export function MayBeMissing(): PropertyDecorator {
  return ValidateIf((_request, value) => value !== undefined);
}
