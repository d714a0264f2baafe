const { sep } = require('node:path');

const CLIENT = `${sep}client${sep}src`;

/** The client is an ES module, whose files name each other as they are called once built: `./wire.js` is `./wire.ts` here. */
module.exports = (request, options) => {
  const isOfClient = options.basedir.endsWith(CLIENT) && request.startsWith('.');
  return options.defaultResolver(isOfClient ? request.replace(/\.js$/, '') : request, options);
};
