import type { FastifyRequest } from 'fastify';

/**
 * A request as Passport gets to see it. For each attempt Passport assigns functions to the strategy, which V8 keeps with
 * all that they refer to until it next clears the oldest objects (docs/decisions/0010). So they get to refer to this, and
 * when it is judged this lets go of the request.
 */
export class PresentedRequest {
  private actual?: FastifyRequest;

  constructor(request: FastifyRequest) {
    this.actual = request;
  }

  /** @throws TypeError once it has been let go */
  get request(): FastifyRequest {
    if (!this.actual) throw new TypeError('The request has been judged');
    return this.actual;
  }

  /** Where passport-local looks for the fields of a login. */
  get body(): unknown {
    return this.request.body;
  }

  letGo(): void {
    this.actual = undefined;
  }
}
