// The gallery: what a newcomer is shown of each wrong variant is a real run that a strict replay follows to its violation.
import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { systems } from '../../protocol/index.js'
import { decodeTrace, replayStrict } from '../../sim/trace/index.js'

const folderOf = (system: string): URL => new URL(`../../viz/gallery/${system}/`, import.meta.url)

// Those of APUS are judged by tests/apus, with what comes after them.
describe.each(systems.filter(({ name }) => name !== 'apus'))('$name', (system) => {
  const { name, bugs } = system
  const files = readdirSync(folderOf(name)).sort()

  test('every wrong variant has a trace, and no other thing has', () => {
    expect(files).toEqual(
      Object.keys(bugs)
        .map((bug) => `${bug}.aviary`)
        .sort(),
    )
  })

  test.each(files)('%s replays to a violation that its variant is caught by, and is short', (file) => {
    const trace = decodeTrace(new Uint8Array(readFileSync(new URL(file, folderOf(name)))))
    const bug = file.replace('.aviary', '')
    expect(trace.header.setup.bug).toBe(bug)
    expect(trace.actions.length).toBeLessThanOrEqual(60)
    const replay = replayStrict(system, trace)
    expect(replay).toMatchObject({ outcome: 'reproduced', violation: { at: trace.actions.length } })
    expect(bugs[bug]!.caughtBy).toContain(trace.violation!.name)
  })
})
