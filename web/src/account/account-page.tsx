import { Heading } from '../parts/heading';
import { SignedIn } from '../session/guards';
import { ActivitySection } from './activity-section';
import { DataSection } from './data-section';
import { DevicesSection } from './devices-section';
import { EmailSection } from './email-section';
import { PasswordSection } from './password-section';
import { ProfileSection } from './profile-section';

export function AccountPage() {
  return (
    <SignedIn>
      <div className="sections">
        <Heading>Your account</Heading>
        <ProfileSection />
        <EmailSection />
        <PasswordSection />
        <DevicesSection />
        <ActivitySection />
        <DataSection />
      </div>
    </SignedIn>
  );
}
