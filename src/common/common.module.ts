import { Global, Module } from '@nestjs/common';
import { Registry } from 'prom-client';
import { Clock } from './clock';
import { Lifecycle } from './lifecycle';
import { EventLoopLag } from './load/event-loop-lag';
import { LoadShedding } from './load/load-shedding';

@Global()
@Module({
  // A registry for each application: prom-client's own is one for the process, where tests run several.
  providers: [
    Clock,
    Lifecycle,
    { provide: Registry, useFactory: () => new Registry() },
    EventLoopLag,
    LoadShedding,
  ],
  exports: [Clock, Lifecycle, Registry, LoadShedding],
})
export class CommonModule {}
