import { More, usePages } from '../parts/pages-of-a-list';
import { Section } from '../parts/section';
import { Failure, Waiting } from '../parts/states';
import { Time } from '../parts/time';
import { gatehouse } from '../session/client';
import { activityText } from './activity-texts';

interface Activity {
  id: string;
  action: string;
  createdAt: string;
  device: string | null;
  ip: string | null;
  current: boolean;
}

const FEW = 8;
const load = (cursor?: string) =>
  gatehouse.api.GET('/api/auth/activity', { params: { query: { limit: FEW, cursor } } });

export function ActivitySection() {
  const events = usePages<Activity>(load);
  return (
    <Section title="Activity">
      <p>What happened to your account, the latest first.</p>
      {events.items && (
        <ol className="rows" ref={events.list}>
          {events.items.map((event) => (
            <ActivityRow key={event.id} event={event} />
          ))}
        </ol>
      )}
      {events.problem && <Failure problem={events.problem} retry={events.loadMore} />}
      {!events.items && !events.problem && <Waiting />}
      <More pages={events}>Show earlier</More>
    </Section>
  );
}

function ActivityRow({ event: { action, createdAt, device, ip, current } }: { event: Activity }) {
  return (
    <li tabIndex={-1}>
      <div className="row-text">
        <p className="row-title">
          {activityText(action)} {current && <span className="badge">this session</span>}
        </p>
        <p className="row-more">
          <Time at={createdAt} />
          {device && ` · ${device}`}
          {ip && ` · ${ip}`}
        </p>
      </div>
    </li>
  );
}
