import { OpenApiContract } from './openapi';

export interface Answer<Body = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: Body;
}

interface RequestOptions {
  /** Access token. */
  token?: string;
  headers?: Record<string, string>;
}

/** A client that holds every answer against the OpenAPI document while the tests look at what matters to them. */
export class Http {
  private readonly contract = new OpenApiContract();

  constructor(readonly baseUrl: string) {}

  get<Body = Record<string, unknown>>(path: string, options?: RequestOptions) {
    return this.send<Body>('GET', path, undefined, options);
  }

  post<Body = Record<string, unknown>>(path: string, body?: unknown, options?: RequestOptions) {
    return this.send<Body>('POST', path, body, options);
  }

  put<Body = Record<string, unknown>>(path: string, body?: unknown, options?: RequestOptions) {
    return this.send<Body>('PUT', path, body, options);
  }

  delete<Body = Record<string, unknown>>(path: string, body?: unknown, options?: RequestOptions) {
    return this.send<Body>('DELETE', path, body, options);
  }

  async send<Body>(
    method: string,
    path: string,
    body: unknown,
    options: RequestOptions = {},
  ): Promise<Answer<Body>> {
    const response = await fetch(this.baseUrl + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(options.token ? { Authorization: `Bearer ${options.token}` } : {}),
        ...options.headers,
      },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    const contentType = response.headers.get('content-type') ?? '';
    const parsed: unknown =
      text !== '' && /json/.test(contentType) ? JSON.parse(text) : text === '' ? undefined : text;
    const violation = this.contract.violation(
      method,
      path.split('?')[0]!,
      response.status,
      contentType,
      parsed,
    );
    if (violation)
      throw new Error(`The answer breaks docs/openapi.json: ${violation}\n${text.slice(0, 500)}`);
    return { status: response.status, headers: response.headers, body: parsed as Body };
  }
}
