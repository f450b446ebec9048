import { defineConfig } from 'vitest/config'

// `--mode long` runs the searches that take minutes to hours; they stand in files of their own.
export default defineConfig(({ mode }) => {
  const long = mode === 'long'
  return {
    test: {
      include: [long ? 'tests/**/*.long.ts' : 'tests/**/*.test.ts'],
      passWithNoTests: long,
      environment: 'node',
      // Processes rather than threads: a crash or a leak in one file cannot reach another.
      pool: 'forks',
      maxWorkers: 2,
      testTimeout: long ? 4 * 3_600_000 : 60_000,
      hookTimeout: 60_000,
    },
  }
})
