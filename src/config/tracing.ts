import { existsSync } from 'node:fs';

/**
 * Whether traces are wanted, by the standard variables of OpenTelemetry. They are not among those of `Env`: OpenTelemetry reads
 * them itself, and this is asked before anything else is loaded.
 *
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export function areTracesWanted(): boolean {
  readDotEnv();
  const { env } = process;
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT;
  const isOff = env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || env.OTEL_TRACES_EXPORTER === 'none';
  return Boolean(endpoint) && !isOff;
}

function readDotEnv(): void {
  try {
    if (existsSync('.env')) process.loadEnvFile('.env');
  } catch {
    // The start of the service reads it again, and says what is wrong with it.
  }
}
