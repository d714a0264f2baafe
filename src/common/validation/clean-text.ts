import { registerDecorator } from 'class-validator';

/**
 * Text that a person would type on one line: no control characters (they forge log lines and mail headers, and
 * PostgreSQL refuses NUL), no lone surrogates (not encodable as UTF-8), no characters that reverse the reading order.
 */
export function isCleanText(value: string): boolean {
  return value.isWellFormed() && !/[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u.test(value);
}

export function IsCleanText(): PropertyDecorator {
  return rule('must be plain text on one line', isCleanText);
}

/** The same on any number of lines: line breaks and tabs besides. */
export function IsCleanLines(): PropertyDecorator {
  return rule('must be plain text', (value) => isCleanText(value.replace(/[\t\n\r]/g, ' ')));
}

function rule(message: string, isClean: (value: string) => boolean): PropertyDecorator {
  return (target, property) =>
    registerDecorator({
      name: 'isCleanText',
      target: target.constructor,
      propertyName: property as string,
      options: { message },
      validator: { validate: (value: unknown) => typeof value === 'string' && isClean(value) },
    });
}
