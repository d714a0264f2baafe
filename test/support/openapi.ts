import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv, { type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import type { OpenAPIObject } from '@nestjs/swagger';

const FILE = join(__dirname, '../../docs/openapi.json');

export function committedOpenApi(): OpenAPIObject {
  return JSON.parse(readFileSync(FILE, 'utf8')) as OpenAPIObject;
}

/** Says how an answer differs from what the committed OpenAPI document promises; undefined where it does not. */
export class OpenApiContract {
  private readonly document = committedOpenApi();
  private readonly ajv = addFormats(new Ajv({ strict: false, allErrors: true }));
  private readonly validators = new Map<string, ValidateFunction>();

  constructor() {
    this.ajv.addSchema(closed(this.document) as object, 'openapi');
  }

  violation(
    method: string,
    path: string,
    status: number,
    contentType: string,
    body: unknown,
  ): string | undefined {
    const template = Object.keys(this.document.paths).find((candidate) => matches(candidate, path));
    const operation = template && this.document.paths[template]?.[method.toLowerCase() as 'get'];
    if (!template || !operation) return undefined;
    const response = operation.responses[status];
    const at = `${method} ${template} ${status}`;
    if (!response) return `${at} is not documented`;
    const content = (response as { content?: Record<string, unknown> }).content;
    if (!content) return body === undefined ? undefined : `${at} is documented without a body`;
    const mediaType = contentType.split(';')[0]!;
    if (!(mediaType in content)) return `${at} is not documented as ${mediaType}`;
    const pointer = [
      'paths',
      template,
      method.toLowerCase(),
      'responses',
      String(status),
      'content',
      mediaType,
      'schema',
    ];
    const validate = this.validator(`openapi#/${pointer.map(escape).join('/')}`);
    return validate(body) ? undefined : `${at}: ${this.ajv.errorsText(validate.errors)}`;
  }

  private validator(ref: string): ValidateFunction {
    let validator = this.validators.get(ref);
    if (!validator) this.validators.set(ref, (validator = this.ajv.compile({ $ref: ref })));
    return validator;
  }
}

function matches(template: string, path: string): boolean {
  return new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`).test(path);
}

function escape(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
}

/** Objects with listed properties may have no others: an answer carries what is documented and nothing more. */
function closed(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(closed);
  if (typeof node !== 'object' || node === null) return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, closed(value)]));
  const isObjectSchema = copy.type === 'object' && copy.properties && copy.additionalProperties === undefined;
  return isObjectSchema ? { ...copy, additionalProperties: false } : copy;
}
