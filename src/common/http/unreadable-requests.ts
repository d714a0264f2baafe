import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Logger } from '@nestjs/common';
import { newId } from '../crypto/tokens';
import { AppError } from '../errors/app-error';
import { entryOf, type ErrorKey } from '../errors/catalogue';
import { PROBLEM_TYPE, problemOf } from '../errors/problem';

/** What the parser of Node says, in the words of the catalogue; anything else is 400. */
const KEY_OF_CODE: Record<string, ErrorKey> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'payload_too_large',
};

const logger = new Logger('Http');

/**
 * Answers what cannot be read as HTTP, or does not arrive in time, like any other error, and closes the connection: after
 * a mistake nobody knows where the next request begins (RFC 9112 §9.6).
 */
export function refuseUnreadable(headers: Record<string, string>) {
  return (error: NodeJS.ErrnoException, socket: Socket): void => {
    const { _httpMessage: answer } = socket as Socket & { _httpMessage?: ServerResponse | null };
    // Who opened a connection to have it ready, as browsers do, has asked nothing. A half-sent answer bears no second one.
    const isOwedNothing = socket.bytesRead === 0 || error.code === 'ECONNRESET' || answer?.headersSent;
    if (isOwedNothing || !socket.writable) socket.destroy();
    else refuse(socket, new AppError(KEY_OF_CODE[error.code ?? ''] ?? 'malformed_request'), headers);
  };
}

/** Gives what Node would answer by itself, bare or not at all, the form of every other answer. */
export function answerForNode(server: Server, headers: Record<string, string>): void {
  // Tunnels: there is nothing to connect to.
  server.on('connect', (_request: IncomingMessage, socket: Duplex) =>
    refuse(socket, new AppError('method_not_allowed'), { ...headers, Allow: 'GET, HEAD, POST, PUT, DELETE' }),
  );
  // An expectation that is unknown may be ignored (RFC 9110 §10.1.1).
  server.on('checkExpectation', (request, response) => void server.emit('request', request, response));
}

function refuse(socket: Duplex, error: AppError, headers: Record<string, string>): void {
  const { status } = entryOf(error.key);
  const requestId = newId();
  const body = JSON.stringify(problemOf(error, 'unknown', requestId));
  const lines = Object.entries({
    ...headers,
    'X-Request-Id': requestId,
    'Content-Type': PROBLEM_TYPE,
    'Content-Length': Buffer.byteLength(body),
    Date: new Date().toUTCString(),
    Connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  logger.debug({
    event: 'request.unreadable',
    requestId,
    code: error.key,
    status,
    msg: 'a request could not be read',
  });
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`, () =>
    socket.destroy(),
  );
}
