import { Module } from '@nestjs/common';
import { InjectCommander } from 'nest-commander';
import { PROJECT } from '../common/project';
import type { Parser } from './admin-command';
import { AUDIT_COMMANDS, AuditCommand } from './audit/audit.command';
import { DB_COMMANDS, DbCommand } from './db/db.command';
import { DoctorCommand } from './doctor/doctor.command';
import { Installation } from './installation';
import { KEYS_COMMANDS, KeysCommand } from './keys/keys.command';
import { MAIL_COMMANDS, MailCommand } from './mail/mail.command';
import { SESSIONS_COMMANDS, SessionsCommand } from './sessions/sessions.command';
import { Terminal } from './terminal';
import { USERS_COMMANDS, UsersCommand } from './users/users.command';

/** The command line. It parses without a setting or a connection; see `Installation` for what is behind it. */
@Module({
  providers: [
    Terminal,
    Installation,
    DbCommand,
    ...DB_COMMANDS,
    DoctorCommand,
    UsersCommand,
    ...USERS_COMMANDS,
    SessionsCommand,
    ...SESSIONS_COMMANDS,
    KeysCommand,
    ...KEYS_COMMANDS,
    MailCommand,
    ...MAIL_COMMANDS,
    AuditCommand,
    ...AUDIT_COMMANDS,
  ],
})
export class CliModule {
  constructor(@InjectCommander() commander: unknown) {
    (commander as Parser)
      .name(PROJECT.name)
      .description('Administers a Gatehouse by the settings of this folder and environment.')
      .version(PROJECT.version, '--version')
      .showHelpAfterError('(--help shows what there is)');
  }
}
