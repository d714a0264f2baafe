import { Command } from 'nest-commander';
import { CommandGroup } from '../admin-command';
import { UsersCreateCommand } from './users-create.command';
import { UsersListCommand, UsersShowCommand } from './users-list.command';
import {
  UsersDeleteCommand,
  UsersDisableCommand,
  UsersEnableCommand,
  UsersSetPasswordCommand,
  UsersVerifyCommand,
} from './users-change.commands';

export const USERS_COMMANDS = [
  UsersCreateCommand,
  UsersListCommand,
  UsersShowCommand,
  UsersDisableCommand,
  UsersEnableCommand,
  UsersSetPasswordCommand,
  UsersVerifyCommand,
  UsersDeleteCommand,
];

@Command({ name: 'users', description: 'accounts', subCommands: USERS_COMMANDS })
export class UsersCommand extends CommandGroup {}
