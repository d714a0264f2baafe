import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { end, freePort, launch, listens, until } from './processes.mjs';

/** The proxy as docs/operations.md recommends it. */
export class Haproxy {
  static async start(folder, replicas) {
    const haproxy = new Haproxy();
    haproxy.port = await freePort();
    const file = join(folder, 'haproxy.cfg');
    writeFileSync(file, configuration(haproxy.port, replicas));
    haproxy.child = launch('haproxy', ['-db', '-f', file], { log: join(folder, 'haproxy.log') });
    await until('haproxy', () => listens(haproxy.port), 5_000);
    return haproxy;
  }

  stop() {
    return end(this.child, 'SIGKILL');
  }
}

/**
 * What never reached a replica (a refused connection) is sent to the other one, whatever it is; what may have reached it
 * only where it is safe to repeat. Where no replica is ready they are asked all the same: their own 503 says why, says when
 * to come back, and ends with the outage and not with a check after it.
 */
function configuration(port, replicas) {
  const servers = (options) =>
    replicas.map(({ name, port }) => `  server ${name} 127.0.0.1:${port} ${options}`.trimEnd()).join('\n');
  return `global
  maxconn 1000

defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 20s
  timeout queue 2s
  timeout http-keep-alive 60s
  option forwardfor
  option redispatch 1
  retries 2
  retry-on conn-failure empty-response

frontend clients
  bind 127.0.0.1:${port}
  use_backend unready if { nbsrv(ready) eq 0 }
  default_backend ready
  http-request disable-l7-retry unless METH_GET

backend ready
  http-request disable-l7-retry unless METH_GET
  option httpchk GET /health/ready
  http-check expect status 200
  default-server inter 500ms fall 2 rise 1 maxconn 200
${servers('check')}

backend unready
  http-request disable-l7-retry unless METH_GET
${servers('')}
`;
}
