/** What the service tells its pages about itself, in a `<meta>` of the document. */
export interface Settings {
  brand: string;
  /** Address of the logo. */
  logo: string;
  passwordPolicy: 'composition' | 'nist';
  /** Whether letters go to the development mailbox. */
  hasMailbox: boolean;
}

const DEFAULTS: Settings = {
  brand: 'Gatehouse',
  logo: '/docs/icon.svg',
  passwordPolicy: 'composition',
  hasMailbox: false,
};

export const settings: Settings = { ...DEFAULTS, ...told() };

/** Nothing where Vite serves the pages from their sources. */
function told(): Partial<Settings> {
  try {
    return JSON.parse(document.querySelector<HTMLMetaElement>('meta[name=settings]')!.content) as Settings;
  } catch {
    return {};
  }
}
