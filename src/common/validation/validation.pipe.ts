import { ValidationPipe, type ValidationError } from '@nestjs/common';
import { AppError, type FieldError } from '../errors/app-error';

const CODES: Record<string, string> = {
  isString: 'not_a_string',
  isBoolean: 'not_a_boolean',
  isUuid: 'not_a_uuid',
  isIn: 'not_allowed',
  minLength: 'too_short',
  maxLength: 'too_long',
  isEmailAddress: 'invalid_email',
  isCleanText: 'invalid_characters',
  whitelistValidation: 'unknown_field',
};

/**
 * Refuses unknown fields, reports each broken field with a stable code, and never repeats what was sent. Of several
 * broken rules of a field the lowest decorator's is reported, so the type stands next to the property.
 */
export function createValidationPipe(): ValidationPipe {
  return new ValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    stopAtFirstError: true,
    validationError: { target: false, value: true },
    exceptionFactory: (errors: ValidationError[]) =>
      new AppError('validation_failed', { errors: errors.map(toFieldError) }),
  });
}

function toFieldError({ property, value, constraints = {} }: ValidationError): FieldError {
  // A field name that was sent may be anything; one that names a rule of ours is short and plain.
  const field = property.replace(/[^\w.-]/g, '?').slice(0, 64);
  const [name = 'invalid', message = ''] = Object.entries(constraints)[0] ?? [];
  if (name === 'whitelistValidation')
    return { field, code: 'unknown_field', message: 'is not a field of this request' };
  if (value === undefined || value === null) return { field, code: 'required', message: 'is required' };
  return { field, code: CODES[name] ?? 'invalid', message: withoutName(message, property) };
}

/** Messages of class-validator begin with the name of the field; ours do not, and may have the same word elsewhere. */
function withoutName(message: string, property: string): string {
  return message.startsWith(`${property} `) ? message.slice(property.length + 1) : message;
}
