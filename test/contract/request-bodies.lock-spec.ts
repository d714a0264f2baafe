import { loggedIn } from '../support/actors';
import { TestApp } from '../support/app';
import { pathOf, requestBodies, type FieldSchema } from '../support/request-fields';

interface Refusal {
  code: string;
  errors: { field: string; code: string }[];
}

/**
 * `import type` on a request DTO erases it, and validation with it: the route would take anything. So every route with
 * a body is sent an unknown field and must refuse it. And what has no bound is a way to fill disks and keep cores busy:
 * every string and array has one in the document, which the code keeps.
 */
describe('request bodies', () => {
  let app: TestApp;
  let token: string;
  let userId: string;

  beforeAll(async () => {
    app = await TestApp.start();
    ({ token, id: userId } = await loggedIn(app));
  });
  afterAll(() => app.close());

  const bodies = requestBodies();
  const routes = bodies.map(({ method, template }) => [method, template]);
  const strings = bodies.flatMap(({ method, template, fields, example }) =>
    Object.entries(fields)
      .filter(([, { type, enum: values }]) => type === 'string' && !values)
      .map(([name, field]) => ({ method, template, name, field, example })),
  );

  it('are validated on several routes', () => {
    expect(routes.length).toBeGreaterThan(4);
    expect(strings.length).toBeGreaterThan(10);
  });

  it.each(routes)('%s %s refuses an unknown field', async (method, template) => {
    const path = pathOf(template!, { userId });
    const answer = await app.http.send<Refusal>(method!, path, { unheardOf: 1 }, { token });
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
    expect(answer.body.errors).toContainEqual(
      expect.objectContaining({ field: 'unheardOf', code: 'unknown_field' }),
    );
  });

  it.each(bodies)('$method $template bounds every string and array', ({ fields }) => {
    // Give the field a maxLength in @ApiProperty and @MaxCharacters beside it, an array maxItems and @ArrayMaxSize.
    expect(unbounded({ properties: fields })).toEqual([]);
  });

  it.each(strings)(
    '$method $template keeps the bound of $name',
    async ({ method, template, name, field, example }) => {
      const path = pathOf(template, { userId });
      const codesFor = async (value: string) => {
        const answer = await app.http.send<Refusal>(method, path, { ...example, [name]: value }, { token });
        expect([name, answer.status, answer.body.code]).toEqual([name, 400, 'validation_failed']);
        return answer.body.errors.filter((error) => error.field === name).map(({ code }) => code);
      };
      const max = field.maxLength!;
      const tooLong = field.format === 'email' ? 'invalid_email' : 'too_long';
      expect(await codesFor('a'.repeat(max + 1))).toEqual([tooLong]);
      expect(await codesFor('a'.repeat(90_000))).toEqual([tooLong]);
      // Two code points that look like one character, and one that takes two UTF-16 units.
      expect(await codesFor('a\uFE0F'.repeat(Math.ceil((max + 1) / 2)))).toEqual([tooLong]);
      expect(await codesFor('😀'.repeat(max + 1))).toEqual([tooLong]);
    },
  );
});

function unbounded(
  { type, enum: values, maxLength, maxItems, properties = {}, items }: FieldSchema,
  at = '',
): string[] {
  const isOpen =
    (type === 'string' && !values && !(maxLength! <= 5000)) || (type === 'array' && !(maxItems! <= 1000));
  return [
    ...(isOpen ? [at] : []),
    ...Object.entries(properties).flatMap(([name, schema]) => unbounded(schema, `${at}.${name}`)),
    ...(items ? unbounded(items, `${at}[]`) : []),
  ];
}
