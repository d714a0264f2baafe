import { Global, Module } from '@nestjs/common';
import { Registry } from 'prom-client';
import { Clock } from './clock';

@Global()
@Module({
  // A registry for each application: prom-client's own is one for the process, where tests run several.
  providers: [Clock, { provide: Registry, useFactory: () => new Registry() }],
  exports: [Clock, Registry],
})
export class CommonModule {}
