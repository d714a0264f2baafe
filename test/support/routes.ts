import { RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants';
import { MetadataScanner, ModulesContainer, Reflector } from '@nestjs/core';
import { IS_PUBLIC } from '../../src/common/access/public.decorator';
import type { TestApp } from './app';

export interface ControllerRoute {
  method: string;
  /** As OpenAPI writes it: `/api/auth/sessions/{id}`. */
  path: string;
  isPublic: boolean;
}

/** Every route of every controller, shown in the OpenAPI document or not. */
export function routesOf({ nest }: TestApp): ControllerRoute[] {
  const reflector = nest.get(Reflector);
  const scanner = new MetadataScanner();
  const controllers = [...nest.get(ModulesContainer).values()].flatMap((module) => [
    ...module.controllers.values(),
  ]);
  return controllers.flatMap(({ metatype, instance }) => {
    const prefix = Reflect.getMetadata(PATH_METADATA, metatype!) as string;
    return scanner.getAllMethodNames(instance as object).flatMap((name) => {
      const handler = (instance as Record<string, () => unknown>)[name]!;
      const path = Reflect.getMetadata(PATH_METADATA, handler) as string | undefined;
      if (path === undefined) return [];
      return {
        method: RequestMethod[Reflect.getMetadata(METHOD_METADATA, handler) as number]!,
        path: `/${prefix}/${path}`
          .replace(/\/+/g, '/')
          .replace(/(.)\/$/, '$1')
          .replace(/:(\w+)/g, '{$1}'),
        isPublic: Boolean(reflector.getAllAndOverride(IS_PUBLIC, [handler, metatype!])),
      };
    });
  });
}
