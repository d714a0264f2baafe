/**
 * Where nobody watches, a test that failed is run again after a pause, at most twice, and each failure is printed: the
 * service's deadlines are those of production, and a machine that is busy with something else for some seconds can miss
 * them. What is broken fails each time.
 */
if (process.env.CI) jest.retryTimes(2, { logErrorsBeforeRetry: true, waitBeforeRetry: 3000 });
