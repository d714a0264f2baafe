import { registerDecorator } from 'class-validator';

/**
 * A string of at most so many characters, counted as PostgreSQL and JSON Schema count them: in code points. The rule of
 * class-validator forgives variation selectors, so that a text may pass it and be too long for its column.
 */
export function MaxCharacters(max: number): PropertyDecorator {
  return (target, property) =>
    registerDecorator({
      name: 'maxLength',
      target: target.constructor,
      propertyName: property as string,
      options: { message: `must have at most ${max} characters` },
      validator: { validate: (value: unknown) => typeof value === 'string' && hasAtMost(max, value) },
    });
}

/** No string is taken apart that is too long anyway: a character has two UTF-16 units at most. */
function hasAtMost(max: number, text: string): boolean {
  return text.length <= max || (text.length <= 2 * max && [...text].length <= max);
}
