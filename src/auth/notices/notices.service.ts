import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, Repository } from 'typeorm';
import { Clock } from '../../common/clock';
import { newId } from '../../common/crypto/tokens';
import type { ClientInfo } from '../../common/http/client-info';
import { Config } from '../../config/config';
import { MailService, type ComposedLetter, type Letter } from '../../mail/mail.service';
import type { User } from '../../users/user.entity';
import { UsersService } from '../../users/users.service';
import { deviceName } from '../devices/device-name';
import { NoticeTokens } from './notice-tokens';
import { SecurityNotice, type NoticeKind } from './security-notice.entity';

/** How long the receiver of a notice can say "not me". */
const NOTICE_TTL_MS = 72 * 3_600_000;

/** Where something happened, as the owner is told. */
export type Occasion = Pick<ClientInfo, 'ip' | 'userAgent'>;

const KINDS: NoticeKind[] = [
  'new-device',
  'password-changed',
  'password-reset',
  'refresh-reused',
  'email-change-requested',
  'email-changed',
  'password-locked',
  'login-after-failures',
];

/** Tells owners what happened to their account, at the address that was theirs when it happened. */
@Injectable()
export class NoticesService implements OnModuleInit {
  constructor(
    @InjectRepository(SecurityNotice) private readonly notices: Repository<SecurityNotice>,
    private readonly tokens: NoticeTokens,
    private readonly users: UsersService,
    private readonly mail: MailService,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    for (const kind of KINDS) this.mail.register(kind, (letter) => this.compose(letter));
  }

  /** @param more what the words of this kind name besides: nothing secret, it lies in the queue */
  async tell(
    kind: NoticeKind,
    { id: userId, email }: Pick<User, 'id' | 'email'>,
    { ip, userAgent }: Occasion,
    more: Record<string, string>,
    tx: EntityManager,
  ): Promise<void> {
    const now = this.clock.now();
    const noticeId = newId();
    const expiresAt = new Date(now.getTime() + NOTICE_TTL_MS);
    await tx.insert(SecurityNotice, {
      id: noticeId,
      userId,
      kind,
      email,
      createdAt: now,
      expiresAt,
      usedAt: null,
    });
    const params = { ...more, noticeId, ip, device: deviceName(userAgent), time: now.toUTCString() };
    await this.mail.enqueue(kind, userId, params, tx);
  }

  list(userId: string): Promise<SecurityNotice[]> {
    return this.notices.find({ where: { userId }, order: { createdAt: 'ASC' } });
  }

  private async compose({ params: { noticeId = '', ...variables } }: Letter): Promise<ComposedLetter | null> {
    const notice = await this.notices.findOneBy({ id: noticeId });
    const user = notice && (await this.users.findById(notice.userId));
    if (!notice || !user) return null;
    const link = `${this.config.links.notMe}#token=${this.tokens.encode(notice.id)}`;
    return { to: notice.email, variables: { ...variables, name: user.name ?? '', link } };
  }
}
