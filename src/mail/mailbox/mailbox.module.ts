import { Global, Module } from '@nestjs/common';
import { Mailbox } from './mailbox';
import { MailboxController } from './mailbox.controller';
import { MailboxPage } from './mailbox.page';

/** Stands in for a mail server where SMTP_URL is absent. Global, so that `MailModule` finds it if it is there. */
@Global()
@Module({ controllers: [MailboxController], providers: [Mailbox, MailboxPage], exports: [Mailbox] })
export class MailboxModule {}
