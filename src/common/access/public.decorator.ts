import { SetMetadata } from '@nestjs/common';

export const IS_PUBLIC = 'isPublic';

/** Opens a route that is otherwise closed by the global guard. A test holds the literal list of open routes. */
export const Public = () => SetMetadata(IS_PUBLIC, true);
