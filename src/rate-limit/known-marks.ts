import type { Type } from '@nestjs/common';
import { Reflector } from '@nestjs/core';

/** Nest's reflector with a memory: each throttler looks for six marks with each request, and what decorators say stays. */
export class KnownMarks extends Reflector {
  private readonly known = new Map<unknown, { controller: unknown; marks: Map<unknown, unknown> }>();

  override getAllAndOverride<Mark>(key: unknown, targets: (Type | (() => unknown))[]): Mark {
    const marks = this.of(targets);
    if (!marks.has(key)) marks.set(key, super.getAllAndOverride(key, targets));
    return marks.get(key) as Mark;
  }

  /** A handler that is inherited belongs to several controllers. */
  private of([handler, controller]: unknown[]): Map<unknown, unknown> {
    const found = this.known.get(handler);
    if (found?.controller === controller) return found!.marks;
    const marks = new Map();
    this.known.set(handler, { controller, marks });
    return marks;
  }
}
