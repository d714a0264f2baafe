import type { FastifyInstance } from 'fastify';

/** Where a browser may load from, for the API, the pages and Swagger UI alike: nothing inline, nothing foreign. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "frame-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join(';');

/** No page of ours needs a sensor, a device or a purse. WebAuthn is left as it is: own origin only. */
const PERMISSIONS_POLICY = [
  'accelerometer',
  'autoplay',
  'bluetooth',
  'browsing-topics',
  'camera',
  'clipboard-read',
  'display-capture',
  'encrypted-media',
  'fullscreen',
  'geolocation',
  'gyroscope',
  'hid',
  'idle-detection',
  'local-fonts',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'picture-in-picture',
  'screen-wake-lock',
  'serial',
  'usb',
  'web-share',
  'xr-spatial-tracking',
]
  .map((feature) => `${feature}=()`)
  .join(', ');

const SAFE_HEADERS = {
  // What may be kept says so itself: files, and the public keys.
  'Cache-Control': 'no-store',
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Origin-Agent-Cluster': '?1',
  'Permissions-Policy': PERMISSIONS_POLICY,
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-DNS-Prefetch-Control': 'off',
  // For what does not know `frame-ancestors`.
  'X-Frame-Options': 'DENY',
  'X-Permitted-Cross-Domain-Policies': 'none',
};

/** A year; sent over http it is ignored, and on localhost it would lock developers out. */
const HSTS = { 'Strict-Transport-Security': 'max-age=31536000; includeSubDomains' };

/**
 * The headers of every answer, whoever gives it: controllers, hooks, the router, or the parser that cannot read the
 * request. Made once; why they are no plugin's is told in docs/decisions/0003.
 */
export function safeHeaders({
  publicUrl,
  corsOrigins,
}: {
  publicUrl: string;
  corsOrigins: string[];
}): Record<string, string> {
  return {
    ...SAFE_HEADERS,
    ...(publicUrl.startsWith('https:') ? HSTS : {}),
    // A cache must not give one origin the answer that was made for another, nor for none.
    ...(corsOrigins.length > 0 ? { Vary: 'Origin' } : {}),
  };
}

/** Sets the headers first, so that a route may replace one. */
export function sendSafeHeaders(fastify: FastifyInstance, safe: Record<string, string>): void {
  // As Fastify keeps them: it would make each of them anew for each answer.
  const headers = Object.fromEntries(
    Object.entries(safe).map(([name, value]) => [name.toLowerCase(), value]),
  );
  fastify.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers);
    done();
  });
}
