/** The result of every credential: who asks, in which session. Nothing downstream knows how it was carried. */
export interface Principal {
  userId: string;
  sessionId: string;
  transport: 'bearer' | 'cookie';
  /** When the password was last presented in this session; milliseconds since the epoch. */
  authenticatedAt: number;
}
