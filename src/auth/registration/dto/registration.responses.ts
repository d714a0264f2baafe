import { ApiProperty } from '@nestjs/swagger';
import { UserResponse } from '../../../users/dto/user.response';
import { viewOf, type User } from '../../../users/user.entity';

export class RegistrationResponse {
  @ApiProperty({ type: UserResponse })
  user: UserResponse;

  @ApiProperty({ enum: [true], example: true, description: 'A letter with a link is on its way' })
  verificationRequired: true;

  static from(user: User): RegistrationResponse {
    return { user: viewOf(user), verificationRequired: true };
  }
}

export class VerificationResponse {
  @ApiProperty({ type: UserResponse })
  user: UserResponse;

  static from(user: User): VerificationResponse {
    return { user: viewOf(user) };
  }
}
