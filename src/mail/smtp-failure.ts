/** Why a try to hand a letter to the mail server failed, in terms that may be logged. */
export interface SmtpFailure {
  /** The server will never take this letter. */
  isPermanent: boolean;
  /** It is the server or the way to it that failed, not the letter. */
  isServerAway: boolean;
  /** The reply's code (RFC 5321 §4.2), where the server replied. */
  smtpCode?: number;
  /** Of nodemailer or of the system, such as ECONNREFUSED. */
  code: string;
}

/** What nodemailer adds to its errors. The message quotes the server, which quotes the address: it stays here. */
interface NodemailerError {
  code?: string;
  originalCode?: string;
  responseCode?: number;
  command?: string;
}

/** Commands whose refusal concerns the letter; elsewhere in the conversation it is about us or the connection. */
const LETTER_COMMANDS = new Set(['RCPT TO', 'DATA']);

/**
 * A refusal with 5xx of the recipient or of the content is final. Everything else may pass: 4xx by definition, a broken
 * connection, and also 5xx to a login or to the sender, which an operator mends while the letters wait.
 */
export function smtpFailureOf(error: unknown): SmtpFailure {
  const { code = 'EUNKNOWN', originalCode, responseCode, command = '' } = error as NodemailerError;
  const isRefusal = responseCode !== undefined && responseCode >= 500 && responseCode !== 503;
  const isAboutLetter = LETTER_COMMANDS.has(command);
  return {
    isPermanent: isRefusal && isAboutLetter,
    isServerAway: !isAboutLetter || responseCode === undefined || responseCode === 421,
    ...(responseCode ? { smtpCode: responseCode } : {}),
    code: originalCode ?? code,
  };
}
