import type { OpenAPIObject } from '@nestjs/swagger';
import { committedOpenApi } from './openapi';

export interface FieldSchema {
  type?: string;
  format?: string;
  enum?: unknown[];
  nullable?: boolean;
  maxLength?: number;
  maxItems?: number;
  example?: unknown;
  default?: unknown;
  properties?: Record<string, FieldSchema>;
  items?: FieldSchema;
  $ref?: string;
}

export interface RequestBody {
  method: string;
  /** As in the document, with parameters. */
  template: string;
  /** With ids that are nobody's in place of parameters. */
  path: string;
  isPublic: boolean;
  fields: Record<string, FieldSchema>;
  /** What the document gives as an example. */
  example: Record<string, unknown>;
}

export const NOBODYS_ID = '019a5c1e-7c1b-7a63-b1a4-6d6f0a2f9c11';

type Operation = NonNullable<OpenAPIObject['paths'][string]['post']>;

/** Every route with a body, by default from docs/openapi.json: whatever is added there is tested as well. */
export function requestBodies(document = committedOpenApi()): RequestBody[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations as Record<string, Operation>)
      .filter(([, { requestBody }]) => requestBody)
      .map(([method, { requestBody, security }]) => {
        const { content } = requestBody as { content: Record<string, { schema: FieldSchema }> };
        const fields = resolved(document, content['application/json']!.schema).properties ?? {};
        return {
          method: method.toUpperCase(),
          template: path,
          path: pathOf(path),
          isPublic: !security,
          fields,
          example: Object.fromEntries(
            Object.entries(fields)
              .map(([name, field]) => [name, field.example ?? field.default])
              .filter(([, value]) => value !== undefined),
          ) as Record<string, unknown>,
        };
      }),
  );
}

/** A path with ids in place of its parameters: those that are given, and for the others nobody's. */
export function pathOf(template: string, ids: Record<string, string> = {}): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? NOBODYS_ID);
}

function resolved(document: OpenAPIObject, schema: FieldSchema): FieldSchema {
  const name = schema.$ref?.split('/').at(-1);
  return name ? (document.components!.schemas![name] as FieldSchema) : schema;
}
