import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { UnverifiedAccountsService } from './unverified-accounts.service';
import { User } from './user.entity';
import { UsersController } from './users.controller';
import { UserCache } from './user-cache';
import { UsersService } from './users.service';

@Module({
  imports: [TypeOrmModule.forFeature([User])],
  controllers: [UsersController],
  providers: [UsersService, UnverifiedAccountsService, UserCache],
  exports: [UsersService, UnverifiedAccountsService],
})
export class UsersModule {}
