const END = '\r\n';

/** A whole HTTP request. */
export function message(method, path, { headers = {}, body } = {}) {
  const text = body === undefined ? '' : JSON.stringify(body);
  const all = {
    Host: '127.0.0.1',
    ...headers,
    ...(body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': text.length }),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [`${method} ${path} HTTP/1.1`, ...lines, '', text].join(END);
}

export const bearer = (token) => ({ Authorization: `Bearer ${token}` });

/**
 * What a line sends, as `load.mjs` takes it: the same requests again and again.
 *
 * @param expects what every answer has in it: a benchmark of mistakes would be worthless
 */
export function inTurn(requests, expects) {
  return () => ({ requests, expects });
}

/** Each request once, such as logging out. @param make resolves to so many new ones */
export function eachOnce(make, expects) {
  const ready = [];
  let perSecond = 1000;
  return async (seconds, connections) => {
    const wanted = Math.ceil(perSecond * seconds * 1.3) + connections;
    if (ready.length < wanted) ready.push(...(await make(wanted - ready.length)));
    const after = (answered) => {
      ready.splice(0, answered.sent);
      perSecond = answered.perSecond;
    };
    return { requests: ready.slice(0, wanted), isOnce: true, expects, after };
  };
}

/**
 * A conversation for each connection: what `chain` finds in an answer takes the place of what it finds in the request.
 *
 * @param make resolves to so many first requests
 */
export function conversations(make, chain, expects) {
  let requests = [];
  return async (_seconds, connections) => {
    if (requests.length < connections) requests.push(...(await make(connections - requests.length)));
    return { requests, chain, expects, after: (answered) => (requests = answered.requests) };
  };
}
