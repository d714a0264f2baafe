// A limit: bcrypt at cost 12 and nothing else, by the library that Gatehouse uses, in as many threads as there are cores.
import { createServer } from 'node:http';
import { hash, verify } from '@node-rs/bcrypt';

const password = 'correct horse 7 battery!';
const stored = await hash(password, 12);

createServer((request, response) => {
  request.resume();
  void verify(password, stored).then((isRight) => response.end(JSON.stringify({ isRight })));
}).listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', () => process.exit());
