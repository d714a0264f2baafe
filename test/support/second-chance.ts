/**
 * Where nobody watches, a test that failed is run once more, and its first failure is printed: the service's deadlines are
 * those of production, and a machine that is busy with something else for a second can miss them. What is broken fails
 * twice.
 */
if (process.env.CI) jest.retryTimes(1, { logErrorsBeforeRetry: true });
