import { Module } from '@nestjs/common';
import { Config } from '../config/config';
import { MailService } from './mail.service';
import { MailWorker } from './mail.worker';
import { Mailbox } from './mailbox/mailbox';
import { Renderer } from './renderer';
import { Transport } from './transport';

/** Without SMTP_URL it needs the `MailboxModule` beside it. */
@Module({
  providers: [
    MailService,
    MailWorker,
    Renderer,
    {
      provide: Transport,
      inject: [Config, { token: Mailbox, optional: true }],
      useFactory: async ({ mail }: Config, mailbox?: Mailbox) => {
        const smtpUrl = mail.smtpUrl ?? (await mailbox?.listen());
        if (smtpUrl === undefined) throw new Error('Letters need SMTP_URL or the development mailbox');
        return new Transport(smtpUrl, mail.from);
      },
    },
  ],
  exports: [MailService],
})
export class MailModule {}
