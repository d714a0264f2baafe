import { PageCursor, PageLimit } from '../../../common/paging/page-query';

export class ListActivityRequest {
  @PageLimit(50)
  limit: number = 50;

  @PageCursor('AZpcHnwbemOxpG1vCi-cEQGaXB58Gw')
  cursor?: string;
}
