import { ApiProperty } from '@nestjs/swagger';
import { UserResponse } from '../../../users/dto/user.response';
import type { TokenLogin } from '../login.service';

/** The credentials of a bearer session, named as in RFC 6749 §5.1. */
export class TokensResponse {
  @ApiProperty({
    description: 'JWT for the Authorization header (RFC 9068)',
    example: 'eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9…',
  })
  access_token: string;

  @ApiProperty({ enum: ['Bearer'], example: 'Bearer' })
  token_type: 'Bearer';

  @ApiProperty({ description: 'Seconds until the access token expires', example: 893 })
  expires_in: number;

  @ApiProperty({ description: 'Opaque; good for one refresh', example: 'ghr_AZpcHnwbemOxpG1vCi-cEQAAAAA…' })
  refresh_token: string;

  @ApiProperty({ type: UserResponse })
  user: UserResponse;

  static from({ user, accessToken, refreshToken }: TokenLogin): TokensResponse {
    return {
      access_token: accessToken.token,
      token_type: 'Bearer',
      expires_in: accessToken.expiresIn,
      refresh_token: refreshToken,
      user,
    };
  }
}
