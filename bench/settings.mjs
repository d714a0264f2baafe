/** The environment of a server under measurement: as in production, with neighbours that are not there. */
export const PRODUCTION = {
  NODE_ENV: 'production',
  HOST: '127.0.0.1',
  PUBLIC_URL: 'https://auth.example.org',
  JWT_SECRET: 'Jk3vQm8ZtY1xWc6nRb0sLd5gHf2uPe9a7oKi4TqV',
  SMTP_URL: 'smtp://127.0.0.1:9',
  MAIL_FROM: 'Gatehouse <gatehouse@example.org>',
  EMAIL_VERIFICATION: 'off',
  LOG_FORMAT: 'json',
};
