import { startTracing } from './tracing';

export { endTracing } from './tracing';

startTracing();
