// The C++ under the address and undefined-behaviour sanitizers, without Node: fabric with stopped and killed processes,
// garbage in the batch, log with a fault at every system call.
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { buildProgram } from '../../scripts/build-native.mjs'

test('the native tests pass under the sanitizers', { timeout: 240_000 }, async () => {
  const folder = fileURLToPath(new URL('cc/', import.meta.url))
  const sources = readdirSync(folder).filter((name) => name.endsWith('.cc'))
  const program = await buildProgram(
    'native-tests',
    sources.map((name) => folder + name),
    'sanitized',
  )
  // What is tested are outcomes, so the disk may be one without a device behind it.
  const folderOfLogs = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'aviary-native-'))
  const env = { ...process.env, TMPDIR: folderOfLogs }
  const { code, output } = await new Promise<{ code: unknown; output: string }>((resolve) => {
    execFile(program, { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.signal ?? error.code), output: stdout + stderr })
    })
  })
  rmSync(folderOfLogs, { recursive: true, force: true })
  expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(/^\d+ passed$/m) as string })
})
