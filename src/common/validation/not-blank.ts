import { registerDecorator } from 'class-validator';

/** A string with something to see in it. */
export function IsNotBlank(): PropertyDecorator {
  return (target, property) =>
    registerDecorator({
      name: 'minLength',
      target: target.constructor,
      propertyName: property as string,
      options: { message: 'must not be blank' },
      validator: { validate: (value: unknown) => typeof value === 'string' && /\S/u.test(value) },
    });
}
