import Handlebars from 'handlebars';

/** A template that is compiled when it is first filled in: a server without letters goes without Handlebars (30 ms). */
export function templateOf<Context>(
  source: string,
  options: Omit<CompileOptions, 'knownHelpersOnly'> = {},
): (context: Context) => string {
  let template: HandlebarsTemplateDelegate<Context> | undefined;
  return (context) =>
    (template ??= Handlebars.compile<Context>(source, { ...options, knownHelpersOnly: true }))(context);
}
