import type { ExecutionContext, Type } from '@nestjs/common';

interface Found<Mark> {
  controller: Type;
  mark: Mark | undefined;
}

/**
 * Reads what a decorator has set under this key on a route, or on its controller where the route itself says nothing. Each
 * route is looked up once: Reflect takes as long as all else that the guards of a hot request do.
 */
export function markUnder<Mark>(key: string): (context: ExecutionContext) => Mark | undefined {
  const known = new Map<object, Found<Mark>>();
  return (context) => {
    const handler = context.getHandler();
    const controller = context.getClass();
    const found = known.get(handler);
    // A handler that is inherited belongs to several.
    if (found?.controller === controller) return found.mark;
    const [onRoute, onController] = [handler, controller].map(
      (target) => Reflect.getMetadata(key, target) as Mark | undefined,
    );
    const mark = onRoute ?? onController;
    known.set(handler, { controller, mark });
    return mark;
  };
}
