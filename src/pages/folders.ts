import { join } from 'node:path';
import { PROJECT_ROOT } from '../common/project';

/** What is served as it is. */
export const STATIC_FOLDER = join(PROJECT_ROOT, 'web', 'static');

/** What `npm run web:build` makes. */
export const BUILD_FOLDER = join(PROJECT_ROOT, 'web', 'dist');
