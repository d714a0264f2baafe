// Loaded before a program: at its end it prints the files that it has loaded.
process.on('exit', () => process.stderr.write(`loaded ${JSON.stringify(Object.keys(require.cache))}\n`));
