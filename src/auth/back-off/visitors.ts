import { Injectable } from '@nestjs/common';
import type { Principal } from '../../common/access/principal';
import type { User } from '../../users/user.entity';
import { failuresOfAddress, failuresOfDevice, failuresOfSession } from './failure-ids';
import { KnownDevices, type KnownDevice } from './known-devices';
import type { Blocks } from './login-failures';
import type { Attempt } from './password-attempts.service';

/** What a login brings along that says who it comes from. */
export interface Visitor {
  /** Known to some account; to which, shows when there is one to ask about. */
  devices: KnownDevice[];
  /** The live session that the request was made in. */
  session?: Principal;
}

/** Tells the owner's browsers from strangers. */
@Injectable()
export class Visitors {
  constructor(private readonly knownDevices: KnownDevices) {}

  /** Everything that a login may come to be counted under, before it is known whose it is; that of strangers first. */
  idsOf({ devices, session }: Visitor, address: string): [ofStrangers: Buffer, ...Buffer[]] {
    return [
      failuresOfAddress(address),
      ...devices.map(({ id }) => failuresOfDevice(id)),
      ...(session ? [failuresOfSession(session.sessionId)] : []),
    ];
  }

  /**
   * What a login counts under. Known devices and live sessions are counted apart, each for itself: strangers cannot hold
   * them back, and whoever has stolen one has no free guesses.
   *
   * @param ofStrangers the first of `idsOf`
   */
  attemptOf(visitor: Visitor, ofStrangers: Buffer, user: User | null, blocks: Blocks): Attempt {
    const device = this.knownDevices.find(visitor.devices, user?.id);
    const session = user && visitor.session?.userId === user.id ? visitor.session : undefined;
    const own = [
      ...(device ? [failuresOfDevice(device.id)] : []),
      ...(session ? [failuresOfSession(session.sessionId)] : []),
    ];
    // Whatever has used its hundred up is a stranger from then on.
    const failures = own.find((id) => !blocks.isForGood(id)) ?? ofStrangers;
    const isStranger = failures === ofStrangers;
    return { failures, forgets: isStranger ? [] : [ofStrangers], isRecorded: true, isTold: isStranger };
  }
}
