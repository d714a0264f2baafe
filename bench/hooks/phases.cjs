// Notes how far the start of the server has come, in milliseconds since the process began. The two servers that come to
// listen are the waiting room and the application.
const { Server } = require('node:net');

const reached = [{ phase: 'Node', at: performance.nodeTiming.bootstrapComplete }];
const note = (phase) => reached.push({ phase, at: performance.now() });
const { NestFactory } = require('@nestjs/core');
const { create } = NestFactory;
const { listen } = Server.prototype;
let listening = 0;

Server.prototype.listen = function (...args) {
  listening += 1;
  note(listening === 1 ? 'code loaded, configuration read' : 'routes, hooks and documents made');
  return listen.apply(this, args);
};
NestFactory.create = async function (...args) {
  note('schema found up to date');
  const app = await create.apply(this, args);
  note('modules made, database connected');
  return app;
};
process.on('message', (message) => {
  if (message.tell === 'phases') process.send({ reached });
});
