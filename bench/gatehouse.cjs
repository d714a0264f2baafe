// The server that is measured: the product, with hooks inside. `node bundle.mjs bench/gatehouse.cjs dist/bench` makes one
// of both, as dist/server is made, where nothing from outside could get at its classes.
const hooks = [require('./hooks/phases.cjs'), require('./hooks/without.cjs')];
module.exports = { hooks, server: require('../dist/src/main.js') };
