export interface Sample {
  /** With `_bucket`, `_sum` or `_count` where the metric is a histogram. */
  name: string;
  labels: Record<string, string>;
  value: number;
}

export interface Family {
  type: string;
  help: string;
  samples: Sample[];
}

/** Metrics by name, from the text that Prometheus reads (its text format 0.0.4). */
export class Metrics {
  readonly families = new Map<string, Family>();

  constructor(readonly text: string) {
    for (const line of text.split('\n')) this.read(line);
  }

  /** @param baseUrl of the server; the token where it asks for one */
  static async from(baseUrl: string, token?: string): Promise<Metrics> {
    const headers = token === undefined ? undefined : { Authorization: `Bearer ${token}` };
    const answer = await fetch(`${baseUrl}/metrics`, { headers });
    if (answer.status !== 200) throw new Error(`/metrics answered ${answer.status}`);
    return new Metrics(await answer.text());
  }

  /** Those of the samples of this name that have these labels, and perhaps more. */
  samples(name: string, labels: Record<string, string> = {}): Sample[] {
    const wanted = Object.entries(labels);
    return [...this.families.values()]
      .flatMap(({ samples }) => samples)
      .filter((sample) => sample.name === name)
      .filter((sample) => wanted.every(([label, value]) => sample.labels[label] === value));
  }

  /** The sum of those samples; undefined where there are none. */
  value(name: string, labels?: Record<string, string>): number | undefined {
    const samples = this.samples(name, labels);
    return samples.length === 0 ? undefined : samples.reduce((sum, { value }) => sum + value, 0);
  }

  private read(line: string): void {
    const [, keyword, described, rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (keyword !== undefined) {
      const family = this.families.get(described!) ?? { type: '', help: '', samples: [] };
      this.families.set(described!, family);
      family[keyword === 'TYPE' ? 'type' : 'help'] = rest!;
      return;
    }
    const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) {
      if (line !== '') throw new Error(`this is not a line of metrics: ${line}`);
      return;
    }
    const family = this.families.get(name) ?? this.families.get(name.replace(/_(bucket|sum|count)$/, ''));
    family!.samples.push({
      name,
      labels: Object.fromEntries(
        [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, is]) => [label, is]),
      ) as Record<string, string>,
      value: Number(value!.replace('+Inf', 'Infinity')),
    });
  }
}
