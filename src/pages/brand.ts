import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { BrandConfig } from '../config/config';
import { accentsOf, type Accent } from './colours';
import { STATIC_FOLDER } from './folders';

export const DEFAULT_NAME = 'Gatehouse';
const DEFAULT_ACCENT = '#2f56d9';

/** Something served from memory, at a path that changes with its content. */
export interface Asset {
  path: string;
  type: string;
  content: Buffer;
}

export interface Brand {
  name: string;
  stylesheet: Asset;
  logo: Asset;
}

/** What pages look like and call themselves. Files of our own, so that the Content-Security-Policy stays as it is. */
export function brandOf({ name = DEFAULT_NAME, accent = DEFAULT_ACCENT, logo }: BrandConfig): Brand {
  const file = logo ?? join(STATIC_FOLDER, 'icon.svg');
  const type = extname(file).toLowerCase() === '.png' ? 'image/png' : 'image/svg+xml';
  return {
    name,
    stylesheet: assetOf('brand.css', 'text/css; charset=utf-8', Buffer.from(stylesheet(accent))),
    logo: assetOf(type === 'image/png' ? 'logo.png' : 'logo.svg', type, readFileSync(file)),
  };
}

function stylesheet(colour: string): string {
  const { light, dark } = accentsOf(colour);
  const property = (name: string, part: keyof Accent) => `--${name}:light-dark(${light[part]},${dark[part]})`;
  const properties = [
    property('accent', 'fill'),
    property('on-accent', 'onFill'),
    property('accent-ink', 'ink'),
  ];
  return `:root{${properties.join(';')}}\n`;
}

function assetOf(name: string, type: string, content: Buffer): Asset {
  const hash = createHash('sha256').update(content).digest('base64url').slice(0, 8);
  const [stem, extension] = name.split('.');
  return { path: `/assets/${stem}-${hash}.${extension}`, type, content };
}
