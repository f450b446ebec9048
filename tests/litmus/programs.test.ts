// Every program that comes with Aviary has exactly the outcomes that its file lists.
import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { enumerateLitmus, judgeLitmus, outcomeKey, parseLitmus } from '../../model-check/litmus/index.js'

const folder = new URL('../../model-check/litmus/programs/', import.meta.url)
const files = readdirSync(folder).filter((name) => name.endsWith('.litmus'))

describe.each(files)('%s', (file) => {
  const program = parseLitmus(file, readFileSync(new URL(file, folder), 'utf8'))
  test('is named after its file, has a title and a source', () => {
    expect(program.name).toBe(file.replace(/\.litmus$/, ''))
    expect(program.title).not.toBe('')
    expect(program.sources).not.toEqual([])
  })
  test('has the outcomes that are allowed, and no other', () => {
    const result = enumerateLitmus(program)
    const { isAsExpected, outcomes, missing } = judgeLitmus(program, result)
    const seen = outcomes.map(({ outcome, expected }) => `${expected}: ${outcomeKey(outcome)}`)
    expect({ failure: result.failure?.message, seen, missing }).toEqual({
      failure: undefined,
      seen: seen.map((each) => each.replace(/^\w+/, 'allowed')),
      missing: [],
    })
    expect(isAsExpected).toBe(true)
  })
})
